import { execFile } from "node:child_process"
import { accessSync, constants, existsSync, readdirSync, statfsSync } from "node:fs"
import { createServer } from "node:net"
import os from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { AccelerateError, type BridgeAddress } from "../../protocol/index.ts"
import { findBridge, tryDataFolder } from "../data-folder.ts"
import { portHolder } from "../http/port-holder.ts"
import { LEAST_NODE } from "../version.ts"
import { bytesText } from "./print.ts"

/** One thing this machine can or can't do. */
export interface Finding {
  name: string
  ok: boolean
  /** What is there, or why it is not. */
  detail: string
  /** How to get it. */
  fix?: string
  /** The bridge-server can't work without. */
  needed?: boolean
}

const run = promisify(execFile)

/** `version` and `least` are like `22.13.0`; missing parts count 0. */
export function checkNode(version = process.versions.node, least = LEAST_NODE): Finding {
  const order = least.localeCompare(version, "en", { numeric: true })
  const ok = order <= 0
  return { name: "node", ok, detail: `v${version}`, needed: true, ...(!ok && { fix: `Use Node ${least} or later.` }) }
}

export function checkMachine(): Finding {
  const cpu = os.cpus()[0]?.model.trim() ?? os.arch()
  return {
    name: "machine",
    ok: true,
    detail: `${os.platform()} ${os.arch()}, ${cpu}, ${os.availableParallelism()} cores, ${bytesText(os.freemem())} of ${bytesText(os.totalmem())} free`,
  }
}

/** The bridge-server that says it runs on `dir`, where its process lives. */
function runningBridge(dir: string): BridgeAddress | undefined {
  try {
    const bridge = findBridge(dir)
    process.kill(bridge.pid, 0)
    return bridge
  } catch {
    return undefined
  }
}

export function checkDataFolder(dir: string): Finding {
  const name = "data folder"
  const bridge = runningBridge(dir)
  if (bridge) {
    const detail = `${dir}, used by the bridge-server at ${bridge.http} (pid ${bridge.pid})`
    return { name, ok: true, detail, needed: true }
  }
  try {
    tryDataFolder(dir)
    return { name, ok: true, detail: dir, needed: true }
  } catch (error) {
    const held = error instanceof AccelerateError && error.code === "IPFA_STORE_LOCKED"
    const fix = held
      ? "Stop the other bridge-server, or choose another folder with --data."
      : "Choose a folder this user may write, with --data."
    return { name, ok: false, detail: `${dir}: ${(error as Error).message}`, fix, needed: true }
  }
}

export function checkDisk(dir: string): Finding {
  let at = path.resolve(dir)
  while (!existsSync(at)) at = path.dirname(at)
  const { bavail, bsize } = statfsSync(at)
  const free = bavail * bsize
  const ok = free > 2 ** 30
  return {
    name: "disk",
    ok,
    detail: `${bytesText(free)} free at ${at}`,
    ...(!ok && { fix: "Models need room: free some, or choose another folder with --data." }),
  }
}

/** Whether a bridge-server on `dir` can have the port, or has it. */
export async function checkPort(port: number, dir: string): Promise<Finding> {
  if (port === 0) return { name: "port", ok: true, detail: "any free one, as the service is told" }
  const server = createServer()
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve)
    server.listen(port, "127.0.0.1", () => resolve(undefined))
  })
  await new Promise((resolve) => (server.listening ? server.close(resolve) : resolve(undefined)))
  if (!error) return { name: "port", ok: true, detail: `${port} is free` }
  const holder = await portHolder(port)
  const bridge = runningBridge(dir)
  if (bridge && new URL(bridge.http).port === `${port}` && (!holder || holder.pid === bridge.pid))
    return { name: "port", ok: true, detail: `${port}, used by the bridge-server that runs (process ${bridge.pid})` }
  return {
    name: "port",
    ok: false,
    detail: holder ? `${port} is in use by ${holder.name} (process ${holder.pid})` : `${port}: ${error.code}`,
    fix: "Choose another with serve --port N, or end what uses it.",
  }
}

/** In a process of its own: a broken driver may end it. */
export async function checkOnnxRuntime(): Promise<Finding> {
  const name = "onnxruntime-node"
  const script =
    'import("onnxruntime-node").then((m) => { const o = m.default ?? m; console.log(JSON.stringify([o.env.versions.node ?? o.env.versions.common, o.listSupportedBackends().map((b) => b.name)])) })'
  try {
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      timeout: 30_000,
    })
    const [version, backends] = JSON.parse(stdout) as [string, string[]]
    return {
      name,
      ok: true,
      detail: `${version}: ${backends.join(", ")} offered (ipfs-accelerate status says which of them compute)`,
    }
  } catch (error) {
    return {
      name,
      ok: false,
      detail: firstLine(error),
      fix: "npm install; on Alpine, glibc is missing: use a Debian-based image.",
    }
  }
}

export async function checkDuckDb(): Promise<Finding> {
  const name = "duckdb"
  const script = 'import("@duckdb/node-api").then((m) => console.log(m.version()))'
  try {
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      timeout: 30_000,
    })
    return { name, ok: true, detail: stdout.trim() }
  } catch (error) {
    return {
      name,
      ok: false,
      detail: firstLine(error),
      fix: "npm install; without it, serve --no-evidence keeps no measurements.",
    }
  }
}

/** The Vulkan drivers that are registered, by the names of their files; undefined where browsers need none: not on Linux. */
export function vulkanDrivers(): string[] | undefined {
  if (process.platform !== "linux") return undefined
  const folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
  return folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []))
}

export async function checkGpus(): Promise<Finding[]> {
  if (process.platform !== "linux")
    return [
      {
        name: "gpu",
        ok: true,
        detail: `${process.platform}: the driver comes with the system; open chrome://gpu in a browser`,
      },
    ]
  const nodes = existsSync("/dev/dri") ? readdirSync("/dev/dri").filter((n) => n.startsWith("renderD")) : []
  const usable = nodes.filter((n) => mayUse(`/dev/dri/${n}`))
  const render: Finding =
    nodes.length === 0
      ? {
          name: "gpu",
          ok: false,
          detail: "no render node in /dev/dri: no GPU, or no driver for it",
          fix: "Browsers compute in software (SwiftShader) or on the CPU meanwhile.",
        }
      : usable.length === 0
        ? {
            name: "gpu",
            ok: false,
            detail: `${nodes.join(", ")}: this user may not use it`,
            fix: "Add this user to the group render (usermod -aG render USER).",
          }
        : { name: "gpu", ok: true, detail: usable.map((n) => `/dev/dri/${n}`).join(", ") }
  const vulkan = vulkanDrivers() ?? []
  return [
    render,
    await checkCuda(),
    vulkan.length > 0
      ? { name: "vulkan", ok: true, detail: vulkan.join(", ") }
      : {
          name: "vulkan",
          ok: false,
          detail: "no Vulkan driver is registered",
          fix: "Firefox's WebGPU needs one: mesa-vulkan-drivers (Debian, Ubuntu). Chromium brings SwiftShader.",
        },
  ]
}

/** A driver alone is not enough: what ONNX Runtime opens for CUDA is not in its npm package, and is fetched from elsewhere by its own installer. */
async function checkCuda(): Promise<Finding> {
  const name = "cuda"
  const query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
  const driver = await run("nvidia-smi", query, { timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim().split("\n").join("; "),
    () => undefined,
  )
  if (driver === undefined)
    return {
      name,
      ok: false,
      detail: "no nvidia-smi: no NVIDIA driver",
      fix: "Only needed for native-cuda: install the NVIDIA driver, then onnxruntime-node's CUDA files.",
    }
  const folder = onnxRuntimeFolder()
  if (folder && existsSync(path.join(folder, "bin/napi-v6/linux", process.arch, "libonnxruntime_providers_cuda.so")))
    return {
      name,
      ok: true,
      detail: `${driver}; onnxruntime-node's CUDA files (ipfs-accelerate status says if they compute)`,
    }
  return {
    name,
    ok: false,
    detail: `${driver}; onnxruntime-node's CUDA files are not installed`,
    fix: `With CUDA 12, on x64: node ${folder ?? "node_modules/onnxruntime-node"}/script/install --onnxruntime-node-install`,
  }
}

function onnxRuntimeFolder(): string | undefined {
  try {
    return path.resolve(fileURLToPath(import.meta.resolve("onnxruntime-node")), "../..")
  } catch {
    return undefined
  }
}

function mayUse(file: string): boolean {
  return may(file, constants.R_OK | constants.W_OK)
}

function may(file: string, mode: number): boolean {
  try {
    accessSync(file, mode)
    return true
  } catch {
    return false
  }
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string }
  return ((stderr || message).split("\n").find((line) => /error/i.test(line)) ?? message.split("\n")[0] ?? "")
    .trim()
    .slice(0, 300)
}
