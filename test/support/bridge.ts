import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { request as httpRequest, type IncomingHttpHeaders } from "node:http"
import { tmpdir } from "node:os"
import path from "node:path"
import { create } from "@bufbuild/protobuf"
import { onTestFinished } from "vitest"
import { WebSocket } from "ws"
import { createLog } from "../../bridge-server/log.ts"
import { type Bridge, type BridgeOptions, startBridge } from "../../bridge-server/server.ts"
import { removeSharedMemory } from "../../bridge-server/shared-memory.ts"
import { bridgeCaller } from "../../engine/agent/bridge-rights.ts"
import type { Pool } from "../../engine/pool/pool.ts"
import { ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { writeModel } from "../../graph/index.ts"
import { type Handlers, Peer, type Tensor, type WebSocketLike, webSocketPort } from "../../protocol/index.ts"

export interface TestBridge {
  readonly bridge: Bridge
  readonly dir: string
  /** A caller's connection, with the bridge's token. */
  client(): Promise<Peer>
  http(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<HttpAnswer>
  close(): Promise<void>
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: JSON of whatever was asked for
  json: any
  /** The error's code: KServe's paths have it beside a message, ours have an object. */
  readonly code: string
}

export const silent = createLog("silent")

/** A real bridge-server in a folder of its own (with a space in its name), gone with `close`. */
export async function testBridge(options: BridgeOptions = {}): Promise<TestBridge> {
  const dir = options.dataDir ?? mkdtempSync(path.join(tmpdir(), "ipfa bridge "))
  const bridge = await startBridge({ dataDir: dir, log: silent, ...options })
  const peers: Peer[] = []
  return {
    bridge,
    dir,
    async client() {
      const peer = await dial(`${bridge.ws}/client`, { token: bridge.token })
      peers.push(peer)
      return peer
    },
    http: (method, where, body, headers = {}) => {
      const isBytes = body instanceof Uint8Array
      return raw(bridge.http, method, where, body === undefined || isBytes ? body : JSON.stringify(body), {
        authorization: `Bearer ${bridge.token}`,
        ...(body !== undefined && !isBytes && { "content-type": "application/json" }),
        ...headers,
      })
    },
    async close() {
      for (const peer of peers) peer.close()
      await bridge.close()
      if (options.dataDir === undefined) rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** `ipfs-accelerate serve` on the data folder `dir`, in a process that ends with the test at the latest; resolves with what it says first. */
export async function bridgeProcess(dir: string, ...args: string[]) {
  const main = path.resolve(import.meta.dirname, "../../bridge-server/cli/main.ts")
  const child = spawn(process.execPath, [main, "serve", "--data", dir, "--port", "0", "--json", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await exited
    removeSharedMemory(dir)
  })
  let said = ""
  child.stderr.on("data", (chunk) => {
    said += chunk
  })
  const ready = new Promise<{ http: string; ws: string; tokenFile: string }>((resolve, reject) => {
    child.stdout.once("data", (line) => resolve(JSON.parse(String(line))))
    void exited.then((rc) => reject(new Error(`exit ${rc}: ${said}`)))
  })
  return { child, exited, said: () => said, ...(await ready) }
}

/** One HTTP request, exactly as it is given: `Host` and all. */
export function raw(
  base: string,
  method: string,
  where: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(where, base), { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on("data", (part) => parts.push(part))
      response.on("end", () => {
        const bytes = Buffer.concat(parts)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          get json() {
            return JSON.parse(bytes.toString())
          },
          get code() {
            const { error, code } = this.json
            return typeof error === "string" ? code : error.code
          },
        })
      })
    })
    request.on("error", reject)
    request.end(body)
  })
}

export interface DialOptions<C> {
  token?: string
  origin?: string
  headers?: Record<string, string>
  protocols?: string[]
  handlers?: Handlers<C>
  caller?: C
}

/** A WebSocket with a Peer over it. Rejects with the HTTP status where the upgrade is refused. */
export async function dial<C = undefined>(url: string, options: DialOptions<C> = {}): Promise<Peer<C>> {
  const { token, origin, headers, protocols = ["ipfa.v1"], handlers, caller } = options
  const socket = new WebSocket(url, protocols, {
    perMessageDeflate: false,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(origin && { origin }),
      ...headers,
    },
  })
  const opened = new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve())
    socket.once("unexpected-response", (_, response) => {
      reject(new Error(`refused: ${response.statusCode}`))
      response.destroy()
      socket.terminate()
    })
    socket.once("error", reject)
  })
  const peer = new Peer<C>(webSocketPort(socket as unknown as WebSocketLike), {
    role: "test",
    ...(handlers && { handlers }),
    ...(caller !== undefined && { caller }),
  })
  await opened
  return peer
}

/** An agent of the fleet: `pool` behind a real WebSocket, paired with a code, beating once a second. */
export async function joinAgent(bridge: Bridge, pool: Pool, agent: string, incarnation = 1) {
  const origin = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
  const pairing = await dial(`${bridge.ws}/agent`, { origin })
  const { token } = await pairing.call("agent.pair", { code: bridge.pairingCode().code, agent })
  pairing.close()
  return { token, origin, ...(await connectAgent(bridge, pool, agent, { token, origin, incarnation })) }
}

export async function connectAgent(
  bridge: Bridge,
  pool: Pool,
  agent: string,
  { token, origin, incarnation }: { token: string; origin: string; incarnation: number },
) {
  const caller = bridgeCaller("127.0.0.1:8790")
  const { handlers, dispose } = pool.serve(caller)
  // As a browser does it: no headers, the token as a subprotocol.
  const peer = await dial(`${bridge.ws}/agent`, {
    origin,
    protocols: ["ipfa.v1", `ipfa.token.${token}`],
    handlers,
    caller,
  })
  void peer.closed.then(dispose)
  const hardware = await pool.hardware()
  const { heartbeatMs } = await peer.call("agent.join", {
    agent,
    browser: "chromium",
    version: "0.0.0",
    incarnation,
    hardware,
  })
  const beats = setInterval(() => void peer.call("agent.beat", { running: 0, waiting: 0 }).catch(() => {}), heartbeatMs)
  void peer.closed.then(() => clearInterval(beats))
  return { peer, silence: () => clearInterval(beats) }
}

/** Resolves when `is` holds, looking again at each change of the fleet. */
export async function fleetWill(bridge: Bridge, is: (bridge: Bridge) => boolean): Promise<void> {
  const signal = AbortSignal.timeout(30_000)
  while (!is(bridge)) await bridge.fleet.changed(signal)
}

export const nativeIsThere = (bridge: Bridge): Promise<void> =>
  fleetWill(bridge, (b) => b.fleet.get("native") !== undefined)

/** float32 x `[side, side]` → x · x · … · x, `times` products: what takes a while, and for the identity is the identity. */
export function productModel(side: number, times: number): Uint8Array {
  const dim = [side, side].map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } }))
  const type = { value: { case: "tensorType" as const, value: { elemType: 1, shape: { dim } } } }
  const name = (i: number) => (i === 0 ? "x" : i === times ? "y" : `t${i}`)
  return writeModel(
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 17n }],
      graph: {
        name: "product",
        node: Array.from({ length: times }, (_, i) => ({
          opType: "MatMul",
          input: [name(i), "x"],
          output: [name(i + 1)],
        })),
        input: [{ name: "x", type }],
        output: [{ name: "y", type }],
      },
    }),
  )
}

export function identity(side: number): Tensor<"float32"> {
  const data = new Float32Array(side * side)
  for (let i = 0; i < side; i++) data[i * side + i] = 1
  return { dtype: "float32", shape: [side, side], data }
}

interface DigitsSamples {
  tolerance: number
  samples: { image: number[]; logits: number[]; label: number }[]
}

/** The shipped model's held-out images, with what torch made of them. */
export const digits: DigitsSamples = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, "../../models/digits/samples.json"), "utf8"),
)

export const digitsFile: string = path.resolve(import.meta.dirname, "../../models/digits/digits.onnx")

export function digitImage(i: number): Tensor<"float32"> {
  return { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(digits.samples[i]!.image) }
}

/** The largest difference from the known right answer. */
export function digitError(logits: ArrayLike<number>, i: number): number {
  return Math.max(...digits.samples[i]!.logits.map((x, k) => Math.abs(x - (logits[k] ?? Number.NaN))))
}
