import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { removeSharedMemory } from "../../bridge-server/shared-memory.ts"
import { dtypes } from "../../protocol/index.ts"
import { type BridgeAccelerator, connect } from "../../sdk/connect.ts"
import { numbers, tensor } from "../../sdk/tensor.ts"
import type { ModelSignature, Session } from "../../sdk/types.ts"
import { edgeTensor } from "../conformance/dtype-cases.ts"
import { identity } from "../conformance/tiny-models.ts"
import { refusal } from "../support/pool.ts"

const repository = join(import.meta.dirname, "../..")
const digits = pathToFileURL(join(repository, "models/digits/digits.onnx")).href
const { samples, tolerance, input, output, shape } = JSON.parse(
  readFileSync(join(repository, "models/digits/samples.json"), "utf8"),
)
type Digits = ModelSignature<{ inputs: { image: "float32" }; outputs: { logits: "float32" } }>

/** A bridge-server in a process of its own, which can be killed. */
async function startBridge(dataDir: string): Promise<ChildProcess> {
  const main = join(repository, "bridge-server/cli/main.ts")
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, "serve", "--data", dataDir, "--port", "0", "--json"],
    {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
    },
  )
  children.add(child)
  let text = ""
  for await (const chunk of child.stdout as NonNullable<typeof child.stdout>) {
    text += chunk
    if (text.includes('"ready"')) break
  }
  return child
}

const children = new Set<ChildProcess>()
const kill = async (child: ChildProcess) => {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

let dataDir: string
let bridge: ChildProcess
let api: BridgeAccelerator
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "ipfa sdk "))
  bridge = await startBridge(dataDir)
  api = await connect({ dataDir })
})
afterAll(async () => {
  await api?.close()
  for (const child of children) await kill(child)
  removeSharedMemory(dataDir)
  await rm(dataDir, { recursive: true, force: true })
})

async function isRight(session: Session<Digits>, i: number): Promise<boolean> {
  const sample = samples[i % samples.length]
  const { outputs } = await session.run({ image: tensor("float32", [1, ...shape], sample.image) })
  const logits = numbers(outputs.logits)
  return sample.logits.every((expected: number, j: number) => Math.abs((logits[j] as number) - expected) <= tolerance)
}

describe("a Node program", () => {
  test("finds the bridge-server by its data folder, and gets right answers from native", async () => {
    expect(api).toMatchObject({ via: "bridge", protocolVersion: 1 })
    expect(api.version).toMatch(/^\d+\.\d+\.\d+/)
    await using session = await api.load<Digits>(digits, { device: "native-cpu" })
    const { devices } = await api.hardware()
    expect(devices.map((device) => device.backend)).toContain("native-cpu")
    expect(session.inputs).toMatchObject([{ name: input, dtype: "float32" }])
    expect(session.outputs).toMatchObject([{ name: output }])
    expect(await Promise.all(samples.map((_: unknown, i: number) => isRight(session, i)))).not.toContain(false)
  })

  test("uploads bytes, and asks once for what the same script asks in a page", async () => {
    const grant = await api.enable({ capabilities: ["infer", "benchmark"], models: [digits] })
    expect(grant).toMatchObject({ origin: "bridge", capabilities: ["infer", "benchmark"], models: ["*"] })
    const bytes = readFileSync(join(repository, "models/digits/digits.onnx"))
    await using session = await api.load<Digits>(bytes)
    expect(await isRight(session, 3)).toBe(true)
  })

  test.for(dtypes.filter((dtype) => !["bfloat16", "int4", "uint4"].includes(dtype)))(
    "gets %s back as it was sent, an empty tensor too",
    async (dtype) => {
      await using session = await api.load(identity(dtype), { device: "native-cpu" })
      for (const isEmpty of [false, true]) {
        const x = edgeTensor(dtype, isEmpty)
        expect((await session.run({ x })).outputs).toEqual({ y: x })
      }
    },
  )

  test("gets typed errors", async () => {
    expect(await refusal(api.load("hf://org/name"))).toBe("IPFA_MODEL_SCHEME")
    expect(await refusal(api.load(digits, { device: "native-cuda#9" }))).toBe("IPFA_DEVICE_ABSENT")
    await using session = await api.load(digits)
    expect(await refusal(session.run({ image: tensor("float32", [1, 2, 2], [1, 2, 3, 4]) }))).toBe("IPFA_INPUT_SHAPE")
  })

  test("outlives the bridge-server's death: what ran is run by the next one", async () => {
    const session = await api.load<Digits>(digits)
    expect(await isRight(session, 0)).toBe(true)
    const running = Array.from({ length: 40 }, (_, i) => isRight(session, i))
    await Promise.race(running)
    await kill(bridge)
    // A port of its own again: the address is looked up anew.
    bridge = await startBridge(dataDir)
    expect(await Promise.all(running)).not.toContain(false)
    expect(await isRight(session, 1)).toBe(true)
    await session.dispose()
  })

  test("that closes its connection is told so by what it calls later", async () => {
    const other = await connect({ dataDir })
    const session = await other.load<Digits>(digits)
    await other.close()
    expect(await refusal(session.run({ image: tensor("float32", [1, ...shape], samples[0].image) }))).toBe(
      "IPFA_PROTOCOL_CLOSED",
    )
    expect(await refusal(other.hardware())).toBe("IPFA_PROTOCOL_CLOSED")
  })

  test("that gives up waits no longer than it said", async () => {
    const other = await connect({ dataDir, reconnectMs: 200 })
    const session = await other.load<Digits>(digits)
    await kill(bridge)
    const late = session.run({ image: tensor("float32", [1, ...shape], samples[0].image) })
    expect(await refusal(late)).toBe("IPFA_BRIDGE_UNREACHABLE")
    bridge = await startBridge(dataDir)
    expect(await isRight(session, 2)).toBe(true)
    await other.close()
  })
})

describe("where there is no bridge-server of one's own", () => {
  let close: (() => void) | undefined
  afterEach(() => close?.())
  const empty = () => mkdtempSync(join(dataDir, "none "))

  test("connecting fails with what to do", async () => {
    const error = await connect({ dataDir: empty() }).catch((e) => e)
    expect(error).toMatchObject({ code: "IPFA_BRIDGE_UNREACHABLE", message: expect.stringContaining("npm start") })
    expect(await refusal(connect({ url: "http://127.0.0.1:1", token: "t" }))).toBe("IPFA_BRIDGE_UNREACHABLE")
    for (const url of ["127.0.0.1", "ws://me@127.0.0.1:1", "ws://me:secret@127.0.0.1:1"])
      expect(await refusal(connect({ url, token: "t" })), url).toBe("IPFA_INPUT_INVALID")
    expect(await refusal(connect({ url: "ws://127.0.0.1:1", dataDir: empty() }))).toBe("IPFA_BRIDGE_TOKEN")
  })

  test("an impostor on its port is told neither the token nor anything that it could be known from", async () => {
    const heard: string[] = []
    const impostor = createServer((request, response) => {
      heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`)
      response.end(JSON.stringify({ proof: "0".repeat(64) }))
    })
    impostor.on("upgrade", (request, socket) => {
      heard.push(`upgrade ${JSON.stringify(request.headers)}`)
      socket.destroy()
    })
    await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve))
    close = () => void impostor.close().closeAllConnections()
    const dir = empty()
    const http = `http://127.0.0.1:${(impostor.address() as AddressInfo).port}`
    writeFileSync(join(dir, "token"), "a-secret-token")
    writeFileSync(join(dir, "bridge.json"), JSON.stringify({ http, ws: http, tokenFile: join(dir, "token") }))
    expect(await refusal(connect({ dataDir: dir }))).toBe("IPFA_BRIDGE_TOKEN")
    expect(heard).toHaveLength(1)
    expect(heard[0]).toMatch(/^GET \/v1\/proof\?nonce=/)
    expect(heard.join()).not.toContain("a-secret-token")
  })

  test("a wrong token is refused as such", async () => {
    const { http } = JSON.parse(readFileSync(join(dataDir, "bridge.json"), "utf8"))
    expect(await refusal(connect({ url: http, token: "wrong" }))).toBe("IPFA_BRIDGE_TOKEN")
  })
})
