import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { renderUnicodeCompact } from "uqr"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { readFeeds } from "../../bridge-server/cli/feeds.ts"
import { readNpy, writeNpy } from "../../bridge-server/cli/npy.ts"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { createWgsl } from "../../engine/backends/wgsl/backend.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import type { Pool } from "../../engine/pool/pool.ts"
import { AccelerateError, fail, type Tensor } from "../../protocol/index.ts"
import { softwareAdapter } from "../kernels/software-gpu.ts"
import {
  dial,
  digitError,
  digitImage,
  digits,
  digitsFile,
  joinAgent,
  nativeIsThere,
  type TestBridge,
  testBridge,
} from "../support/bridge.ts"
import { testPool } from "../support/pool.ts"
import { winnersInMemory } from "../support/winners.ts"

const main = path.resolve(import.meta.dirname, "../../bridge-server/cli/main.ts")
let t: TestBridge
let dir: string

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa cli "))
  t = await testBridge({ evidence: (file) => Evidence.open(file, { software: "test" }) })
  await nativeIsThere(t.bridge)
})
afterAll(async () => {
  await t.close()
  rmSync(dir, { recursive: true, force: true })
})

interface Said {
  code: number
  out: string
  err: string
}

/** The command line as a person runs it. */
function cli(...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: dir }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}
const json = ({ out }: Said) => JSON.parse(out)

describe("run", () => {
  test("a .npy file in, .npy files out", async () => {
    writeFileSync(path.join(dir, "image.npy"), writeNpy(digitImage(6)))
    const said = await cli("run", "digits", "--data", t.dir, "--input", "image=image.npy", "--out", "results")
    expect(said).toMatchObject({ code: 0, err: "" })
    expect(said.out).toContain("native/native-cpu")
    const logits = readNpy(readFileSync(path.join(dir, "results", "logits.npy")), "logits.npy")
    expect([logits.dtype, logits.shape]).toEqual(["float32", [1, 10]])
    expect(digitError(logits.data as Float32Array, 6)).toBeLessThan(digits.tolerance)
  })

  test("raw bytes, a .json file or JSON itself in, one JSON line out", async () => {
    const { data } = digitImage(2)
    writeFileSync(path.join(dir, "image.bin"), new Uint8Array(data.buffer))
    writeFileSync(path.join(dir, "image.json"), JSON.stringify([...data]))
    for (const value of ["@image.bin", "image.json", JSON.stringify([...data])]) {
      const said = await cli(
        "--json",
        "--data",
        t.dir,
        "run",
        digitsFile,
        "--input",
        `image=${value}`,
        "--device",
        "native-cpu",
      )
      expect(said.code).toBe(0)
      expect(json(said)).toMatchObject({ device: "native-cpu", agent: "native", reruns: 0 })
      expect(digitError(json(said).outputs.logits.data, 2)).toBeLessThan(digits.tolerance)
    }
  })

  test.each([
    [["--device", "webgpu"], "IPFA_DEVICE_ABSENT"],
    [["--agent", "nobody"], "IPFA_AGENT_UNKNOWN"],
    [["--input", "picture=[1]"], "IPFA_INPUT_INVALID"],
    [["--input", "image=[1,2,3]"], "IPFA_INPUT_INVALID"],
    [["--input", "image=nowhere.npy"], "IPFA_INPUT_INVALID"],
    [[], "IPFA_INPUT_INVALID"],
  ])("%j fails with %s, in words and with exit code 1", async (args, code) => {
    const said = await cli("run", "digits", "--data", t.dir, "--json", ...args)
    expect(said.code).toBe(1)
    expect(json(said).error.code).toBe(code)
    expect(said.err).toContain(code)
  })
})

test("bench measures every device and says which could not be had", async () => {
  const said = await cli("bench", "digits", "--data", t.dir, "--samples", "4", "--json")
  expect(json(said).rows).toMatchObject([{ device: { id: "native-cpu", agent: "native" }, n: 4 }])
  expect(json(said).absent.map((a: { id: string }) => a.id)).toContain("native-coreml")
  const table = await cli("bench", "digits", "--data", t.dir, "--samples", "2")
  expect(table.out).toMatch(/agent +device +adapter +load ms +first ms +p50 ms +n\nnative +native-cpu/)
})

test("bench opens the model where it is to be measured, and fails with the reasons where nothing could be", async () => {
  const { pool, close } = testPool([inProcessHost("wgsl", () => createWgsl(softwareAdapter, winnersInMemory()))])
  const opened: unknown[] = []
  const failing: Pool = {
    ...pool,
    serve(caller) {
      const { handlers, dispose } = pool.serve(caller)
      const open = handlers["session.open"] as NonNullable<(typeof handlers)["session.open"]>
      return {
        dispose,
        handlers: {
          ...handlers,
          "session.open": (params, call) => {
            opened.push(params.device)
            return open(params, call)
          },
          "benchmark.run": () => Promise.reject(fail("IPFA_DEVICE_LOST", { message: "It went." })),
        },
      }
    },
  }
  const { peer } = await joinAgent(t.bridge, failing, "broken")
  const bench = (...args: string[]) => cli("bench", "digits", "--data", t.dir, "--samples", "2", ...args)
  expect(await bench("--device", "wgsl")).toMatchObject({ code: 1, out: "broken/wgsl: It went.\n" })
  // Once more when it has the model.
  expect(opened).toEqual(["wgsl", "wgsl"])
  const one = await bench("--device", "webgpu", "native-cpu", "--json")
  expect(one.code).toBe(0)
  expect(json(one).rows).toMatchObject([{ device: { id: "native-cpu" } }])
  expect(opened).toHaveLength(2)
  const none = await bench("--device", "webgpu", "--json")
  expect([none.code, json(none).error.code]).toEqual([1, "IPFA_DEVICE_ABSENT"])
  peer.close()
  close()
})

test("kernels tune asks the connected browsers for it: they keep what they find, and tell it", async () => {
  expect(json(await cli("kernels", "tune", "--data", t.dir, "--json")).error.code).toBe("IPFA_DEVICE_NONE")
  const store = winnersInMemory()
  const { pool, close } = testPool([inProcessHost("wgsl", () => createWgsl(softwareAdapter, store))])
  const { peer } = await joinAgent(t.bridge, pool, "laptop")
  const tuned = await cli("kernels", "tune", "digits", "--budget", "1", "--data", t.dir, "--json")
  const [row] = json(tuned).rows
  expect(row.device).toMatchObject({ id: "wgsl", agent: "laptop" })
  const [kept] = store.all.values()
  expect(row.kernels.length).toBe(kept!.size)
  expect([...kept!.keys()].every((key, i) => key.startsWith(row.kernels[i].work))).toBe(true)
  const nobody = await cli("kernels", "tune", "digits", "--agent", "nobody", "--data", t.dir)
  expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining("IPFA_AGENT_UNKNOWN") })
  peer.close()
  close()
})

test("models are added under a name, listed, run and removed", async () => {
  expect((await cli("models", "add", digitsFile, "mine", "--data", t.dir)).code).toBe(0)
  const list = json(await cli("models", "list", "--data", t.dir, "--json"))
  expect(list.aliases.map((a: { name: string }) => a.name)).toEqual(["digits", "mine"])
  expect(list.models[0].sha256).toMatch(/^516906e4/)
  expect(
    (await cli("run", "mine", "--data", t.dir, "--input", `image=${JSON.stringify([...digitImage(0).data])}`)).code,
  ).toBe(0)
  expect((await cli("models", "remove", "mine", "--data", t.dir)).code).toBe(0)
  expect(await cli("models", "remove", "mine", "--data", t.dir)).toMatchObject({
    code: 1,
    err: expect.stringContaining("IPFA_MODEL_NOT_FOUND"),
  })
})

test("status shows agents, devices and why others are absent; pair makes a code that works once", async () => {
  const said = await cli("status", "--data", t.dir)
  expect(said.out).toContain(`${t.bridge.http}, its token in ${t.bridge.tokenFile}`)
  expect(JSON.parse((await cli("status", "--data", t.dir, "--json")).out)).toMatchObject({
    http: t.bridge.http,
    tokenFile: t.bridge.tokenFile,
    agent: "bridge",
  })
  expect(said.out).toMatch(/native +native-cpu .* ready +right/)
  const { code } = json(await cli("pair", "--data", t.dir, "--json"))
  expect(code).toMatch(/^[3467ACDEFGHJKMNPQRTVWXY9]{8}$/)
})

test.each([
  ["--worker", "worker", "agent"],
  ["--dashboard", "dashboard", "dashboard"],
] as const)("pair %s prints a link, as a QR code too, whose code is good for that alone", async (flag, page, as) => {
  const { out } = await cli("pair", flag, "--data", t.dir)
  const [link = "", ...rest] = out.split("\n")
  expect(link).toMatch(new RegExp(`^${t.bridge.http}/${page}#code=[A-Z0-9]{8}$`))
  expect(rest.join("\n")).toContain(renderUnicodeCompact(link))
  const code = link.slice(-8)
  const peer = await dial(`${t.bridge.ws}/agent`, { origin: t.bridge.http })
  const other = as === "agent" ? "dashboard" : "agent"
  await expect(peer.call("agent.pair", { code, agent: page, as: other })).rejects.toMatchObject({
    code: "IPFA_BRIDGE_PAIRING",
  })
  expect((await peer.call("agent.pair", { code, agent: page, as })).token).toHaveLength(43)
  peer.close()
})

test("without a bridge-server, every command that needs one says so", async () => {
  const nowhere = path.join(dir, "nobody home")
  for (const args of [["status"], ["models", "list"], ["run", "digits"], ["bench", "digits"], ["pair"]]) {
    const said = await cli(...args, "--data", nowhere)
    expect(said, args.join(" ")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("IPFA_BRIDGE_UNREACHABLE"),
    })
  }
})

describe("serve", () => {
  test("on a data folder that is in use is refused", async () => {
    expect(await cli("serve", "--data", t.dir, "--port", "0")).toMatchObject({
      code: 1,
      err: expect.stringContaining("IPFA_STORE_LOCKED"),
    })
  })

  test("on a port that is in use is refused in words, and locks nothing", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as { port: number }
    const data = path.join(dir, "busy")
    const said = await cli("serve", "--data", data, "--port", String(port))
    expect(said).toMatchObject({ code: 1, err: expect.stringContaining(`Port ${port} on 127.0.0.1 is in use by `) })
    expect(said.err).toContain(`(process ${process.pid})`)
    server.close()
  })

  test("beyond this machine is refused without TLS or --insecure-remote", async () => {
    const said = await cli("serve", "--data", path.join(dir, "open"), "--host", "0.0.0.0", "--port", "0")
    expect(said).toMatchObject({ code: 1, err: expect.stringContaining("IPFA_BRIDGE_EXPOSED") })
  })
})

test("doctor finds what there is, says why the rest is not, and leaves nothing behind", async () => {
  const data = path.join(dir, "not made")
  const said = await cli("doctor", "--data", data, "--json")
  const { ok, findings } = json(said)
  expect([said.code, ok]).toEqual([0, true])
  const by = Object.fromEntries(findings.map((f: { name: string }) => [f.name, f]))
  for (const name of [
    "node",
    "machine",
    "data folder",
    "disk",
    "port",
    "onnxruntime-node",
    "duckdb",
    "chromium",
    "firefox",
    "webkit",
    "webnn",
  ])
    expect(by, name).toHaveProperty([name])
  expect(by["onnxruntime-node"]).toMatchObject({ ok: true, detail: expect.stringContaining("cpu") })
  for (const finding of findings) {
    expect(finding.detail).not.toBe("")
    if (!finding.ok) expect(finding.fix, finding.name).toMatch(/\w/)
  }
  expect(() => readFileSync(data)).toThrow("ENOENT")
  expect((await cli("doctor", "--data", t.dir)).out).toContain("used by the bridge-server at")
})

test("--help says what each command does; what is no command is exit code 2", async () => {
  const help = await cli("--help")
  expect(help.code).toBe(0)
  for (const command of ["serve", "run", "bench", "models", "pair", "status", "service", "doctor"]) {
    expect(help.out).toContain(command)
    const own = await cli(command, "--help")
    expect(own.code, command).toBe(0)
    expect(own.out).toContain(`Usage: ipfs-accelerate ${command}`)
  }
  expect((await cli("dance")).code).toBe(2)
  expect((await cli("serve", "--port", "x")).code).toBe(2)
  expect((await cli("serve", "--log-level", "loud")).code).toBe(2)
  expect(await cli("service", "install", "--data", dir, "--", "--prot", "1")).toMatchObject({
    code: 1,
    err: expect.stringContaining("--prot is no option of serve"),
  })
})

describe("what is typed for an input", () => {
  const float = (shape: (number | string)[]) => [{ name: "x", dtype: "float32" as const, shape }]

  test("takes the model's one free dimension from the number of elements", () => {
    expect(readFeeds(["x=[1,2,3,4,5,6]"], float(["n", 3]))).toEqual({
      x: { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    })
    expect(readFeeds(["x=5"], float([])).x).toEqual({ dtype: "float32", shape: [], data: Float32Array.of(5) })
    expect(() => readFeeds(["x=[1,2,3]"], float(["n", 2]))).toThrow(AccelerateError)
    expect(() => readFeeds(["x=[1,2,3]"], float(["n", "m"]))).toThrow(/several dimensions/)
  })

  test("a .npy file of every type comes back as it was", () => {
    const tensors: Tensor[] = [
      { dtype: "float64", shape: [2], data: Float64Array.of(1, -2) },
      { dtype: "float16", shape: [2, 1], data: Uint16Array.of(0x3c00, 0xc000) },
      { dtype: "int64", shape: [], data: BigInt64Array.of(-5n) },
      { dtype: "uint8", shape: [1, 3], data: Uint8Array.of(1, 2, 3) },
      { dtype: "bool", shape: [2], data: Uint8Array.of(0, 1) },
      { dtype: "float32", shape: [0, 4], data: new Float32Array() },
    ]
    for (const tensor of tensors) expect(readNpy(writeNpy(tensor), "x")).toEqual(tensor)
  })

  test("a file that is no .npy, or not what its header says, is refused", () => {
    const good = writeNpy({ dtype: "float32", shape: [2], data: Float32Array.of(1, 2) })
    for (const bad of [
      new Uint8Array(),
      good.subarray(0, 8),
      good.subarray(0, good.length - 1),
      Buffer.concat([good, Buffer.alloc(1)]),
      Buffer.from("hello"),
    ])
      expect(() => readNpy(bad, "x")).toThrow(AccelerateError)
  })
})
