import { randomFillSync } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  AccelerateError,
  arrayTypes,
  DeviceError,
  type Dtype,
  dtypeBytes,
  dtypes,
  PROTOCOL_VERSION,
  ProtocolError,
  type Tensor,
} from "../../protocol/index.ts"
import { type Link, transports } from "./links.ts"
import { call } from "./test-methods.ts"

/** One table of claims over every transport. */

const LARGE_BYTES = 8 * 2 ** 20

function largeTensor(dtype: Dtype): Tensor {
  if (dtype === "string") {
    const data = Array.from({ length: LARGE_BYTES / 128 }, (_, i) => `${i}: ${"ä€😀\u0000".repeat(11)}`)
    return { dtype, shape: [data.length], data }
  }
  const elems = dtype.endsWith("int4") ? LARGE_BYTES * 2 : LARGE_BYTES / dtypeBytes(dtype)
  const data = randomFillSync(new arrayTypes[dtype](LARGE_BYTES / arrayTypes[dtype].BYTES_PER_ELEMENT))
  return { dtype, shape: [2, elems / 2], data } as Tensor
}

function bytesOf({ data }: Tensor): Buffer {
  const { buffer, byteOffset, byteLength } = data as Uint8Array
  return Buffer.from(buffer, byteOffset, byteLength)
}

const error = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (e) => e as AccelerateError,
  )

/** Starts a call that hangs; resolves when its handler runs. */
async function hang(link: Link, name: string, options: { signal?: AbortSignal; deadlineMs?: number } = {}) {
  let ended!: Promise<AccelerateError>
  await new Promise<void>((onEvent) => {
    ended = error(call(link.client, "test.hang", { name }, { ...options, onEvent }))
  })
  return { ended }
}

const ends = async (link: Link) => (await call<{ ends: Record<string, string> }>(link.client, "test.ends")).ends

describe.each(transports)("over $name", ({ connect, moves }) => {
  let link: Link
  beforeAll(async () => {
    link = await connect()
  })
  afterAll(() => link.end())

  test("a call is answered with what was sent, and the hello before it says who answers", async () => {
    const value = { text: "ä€😀\u0000", n: -0.5, none: null, yes: true, list: [1, [2, { deep: [] }]], empty: {} }
    expect(await call(link.client, "test.echo", { value })).toEqual({ value })
    expect(await link.client.ready).toBe(true)
    expect(link.client.version).toBe(PROTOCOL_VERSION)
    expect(link.client.remoteRole).toBe("test server")
  })

  test("a typed error keeps its class, code, sentence, data and cause", async () => {
    const e = await error(call(link.client, "test.fail", { code: "IPFA_DEVICE_LOST" }))
    expect(e).toBeInstanceOf(DeviceError)
    expect(e).toMatchObject({
      name: "DeviceError",
      code: "IPFA_DEVICE_LOST",
      message: expect.stringMatching(/^The device was lost\./),
    })
    expect(e.data).toEqual({ where: "there", limit: 7 })
    expect((e.cause as Error).message).toBe("TypeError: the reason")
  })

  test("an error that is none of ours arrives as IPFA_INTERNAL with its reason", async () => {
    const e = await error(call(link.client, "test.fail"))
    expect(e).toBeInstanceOf(AccelerateError)
    expect(e.code).toBe("IPFA_INTERNAL")
    expect(e.data.reason).toBe("something of the platform")
  })

  test("an error whose data can't travel arrives without it", async () => {
    const e = await error(call(link.client, "test.fail", { code: "IPFA_RUN_FAILED", odd: true }))
    expect(e.code).toBe("IPFA_RUN_FAILED")
    expect(e.data).toEqual({})
  })

  test("params that are not the method's are refused with their path", async () => {
    const feeds = { image: { dtype: "float32", shape: [3], data: new Float32Array(2) } }
    const e = await error(call(link.client, "device.run", { handle: "h", feeds }))
    expect(e.code).toBe("IPFA_INPUT_INVALID")
    expect(e.data).toEqual({ path: "feeds.image.data", expected: "3 elements, as shape says" })
  })

  test.each([true, false])("100 events come in order and before the answer, awaited: %s", async (awaited) => {
    const seen: unknown[] = []
    const onEvent = (event: unknown) => void seen.push(event)
    expect(await call(link.client, "test.count", { n: 100, awaited }, { onEvent })).toEqual({ sent: 100 })
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => ({ i })))
  })

  test("a slow consumer gets all events, one at a time, before the answer", async () => {
    let running = 0
    let seen = 0
    const onEvent = async () => {
      expect(++running).toBe(1)
      await ends(link)
      running--
      seen++
    }
    await call(link.client, "test.count", { n: 70, awaited: false }, { onEvent })
    expect(seen).toBe(70)
  })

  test("progress skips to the latest", async () => {
    const seen: { i: number }[] = []
    await call(
      link.client,
      "test.progress",
      { n: 5000 },
      { onEvent: (event) => void seen.push(event as { i: number }) },
    )
    expect(seen[0]).toEqual({ i: 0 })
    expect(seen.length).toBeLessThanOrEqual(2)
  })

  test("a caller who doesn't listen isn't waited for", async () => {
    expect(await call(link.client, "test.count", { n: 100 })).toEqual({ sent: 100 })
  })

  test("cancel ends the call here and reaches the handler there", async () => {
    const controller = new AbortController()
    const { ended } = await hang(link, "cancelled", { signal: controller.signal })
    controller.abort()
    expect((await ended).code).toBe("IPFA_JOB_CANCELLED")
    expect((await ends(link)).cancelled).toBe("IPFA_JOB_CANCELLED")
  })

  test("a deadline ends the call here and reaches the handler there", async () => {
    const { ended } = await hang(link, "late", { deadlineMs: 50 })
    const e = await ended
    expect(e.code).toBe("IPFA_JOB_DEADLINE")
    expect(e.data.deadlineMs).toBe(50)
    // By its own clock or by the caller's cancel, whichever came first.
    expect((await ends(link)).late).toMatch(/^IPFA_JOB_(DEADLINE|CANCELLED)$/)
  })

  test.each(dtypes)("8 MiB of %s come back bit by bit", async (dtype) => {
    const tensor = largeTensor(dtype)
    const laid = link.laid?.() ?? 0
    const { outputs } = await link.client.call("device.run", { handle: "h", feeds: { x: tensor } })
    const back = outputs.x as Tensor
    expect({ dtype: back.dtype, shape: back.shape }).toEqual({ dtype, shape: tensor.shape })
    if (dtype === "string") return expect(back.data).toEqual(tensor.data)
    expect(bytesOf(back).equals(bytesOf(tensor))).toBe(true)
    if (link.laid) expect(link.laid()).toBeGreaterThan(laid)
  })

  test("arrays of odd lengths, empty, and views into larger memory arrive as they are", async () => {
    const whole = randomFillSync(new Uint8Array(1024))
    const value = {
      odd: whole.subarray(3, 3 + 333),
      empty: new Float32Array(0),
      list: [new BigInt64Array([-1n, 2n ** 62n]), "between", new Float64Array(whole.buffer, 64, 5)],
      buffer: Buffer.from("node"),
    }
    const { value: back } = await call<{ value: typeof value }>(link.client, "test.echo", { value })
    expect(Buffer.from(back.odd).equals(Buffer.from(value.odd))).toBe(true)
    expect(back.empty).toEqual(value.empty)
    expect(back.list).toEqual(value.list)
    expect(new TextDecoder().decode(back.buffer)).toBe("node")
  })

  test("200 calls at once each get their own answer", async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        call<{ value: Float32Array }>(link.client, "test.echo", { value: new Float32Array(i * 37).fill(i) }),
      ),
    )
    for (const [i, { value }] of answers.entries()) {
      expect(value.length).toBe(i * 37)
      expect(value.every((x) => x === i)).toBe(true)
    }
  })

  test(`transfer ${moves ? "moves" : "is allowed, and copies"}`, async () => {
    const value = randomFillSync(new Uint8Array(100_000))
    const before = Buffer.from(value)
    const options = { transfer: [value.buffer] }
    const { value: back } = await call<{ value: Uint8Array }>(
      link.client,
      "test.echo",
      { value, transfer: true },
      options,
    )
    expect(Buffer.from(back).equals(before)).toBe(true)
    expect(value.byteLength).toBe(moves ? 0 : 100_000)
  })

  test("an answer that can't be sent is an error to that call alone", async () => {
    // Deeper than a frame may be; where messages aren't frames it simply arrives.
    let deep: unknown = new Uint8Array(1)
    for (let i = 0; i < 100; i++) deep = { deep }
    const outcome = await call(link.client, "test.echo", { value: deep }).catch((e: AccelerateError) => e.code)
    if (typeof outcome === "string") expect(outcome).toBe("IPFA_INPUT_INVALID")
    expect(await call(link.client, "test.echo", { value: 1 })).toEqual({ value: 1 })
  })

  test("a call that the other side closes under ends with IPFA_PROTOCOL_CLOSED, and later calls too", async () => {
    const own = await connect()
    const { ended } = await hang(own, "closed")
    const closing = error(call(own.client, "test.close"))
    for (const e of [await ended, await closing, await error(call(own.client, "test.ends"))]) {
      expect(e).toBeInstanceOf(ProtocolError)
      expect(e.code).toBe("IPFA_PROTOCOL_CLOSED")
    }
    expect(await own.client.closed).toBeUndefined()
    await own.end()
  })

  test("the reason of a close reaches every call", async () => {
    const own = await connect()
    const { ended } = await hang(own, "closed")
    void call(own.client, "test.close", { code: "IPFA_GRANT_REVOKED" }).catch(() => {})
    expect((await ended).code).toBe("IPFA_GRANT_REVOKED")
    expect((await own.client.closed)?.code).toBe("IPFA_GRANT_REVOKED")
    await own.end()
  })

  test("a close on this side ends the calls of both", async () => {
    const own = await connect()
    const { ended } = await hang(own, "left")
    own.client.close()
    expect((await ended).code).toBe("IPFA_PROTOCOL_CLOSED")
    await own.server?.closed
    await own.end()
  })
})
