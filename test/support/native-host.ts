import { execFile, execFileSync, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { files } from "../../bridge-server/files.ts"
import { installHost, thisMachine } from "../../native-host/install.ts"
import { extensionIds, type HostBrowser, type Machine } from "../../native-host/places.ts"
import { EXTENSION_ID, nativePort, Peer } from "../../protocol/index.ts"
import { connectHost } from "../protocol/native-browser.ts"

const run = promisify(execFile)
const main = fileURLToPath(files.cli)

/** A user's home of its own (with a space in its name), with a data folder in it. */
export interface HostHome {
  readonly home: string
  readonly dataDir: string
  readonly env: NodeJS.ProcessEnv
  readonly machine: Machine
  /** Installs the native host for these browsers; the launcher. */
  install(...browsers: HostBrowser[]): string
  /** The command line as this user runs it; its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON of whatever was asked for
  cli(...args: string[]): Promise<any>
  /** What runs on the data folder now: ids of native hosts, and of bridge-servers. */
  running(): { hosts: number[]; bridges: number[] }
  /** A native host, started as Chromium does it. */
  start(launcher: string, ...args: string[]): StartedHost
  remove(): void
}

export interface StartedHost {
  readonly peer: Peer
  readonly pid: number
  readonly exited: Promise<number | null>
  kill(): void
}

export const chromiumArg = `chrome-extension://${EXTENSION_ID}/`

export function hostHome(): HostHome {
  const home = mkdtempSync(path.join(tmpdir(), "ipfa home "))
  const dataDir = path.join(home, "data")
  const { XDG_CONFIG_HOME: _, ...rest } = process.env
  const env = { ...rest, HOME: home, IPFA_DATA: dataDir }
  const machine = { ...thisMachine(dataDir), home, env }
  const launched = { node: process.execPath, host: fileURLToPath(files.nativeHost), bridge: main, dataDir }
  const started: StartedHost[] = []
  const running = () => ({
    hosts: processes("native-host/main.ts", dataDir),
    bridges: processes("--while-held", dataDir),
  })
  return {
    home,
    dataDir,
    env,
    machine,
    install: (...browsers) => installHost(machine, { browsers, ids: extensionIds(), launched }).launcher,
    async cli(...args) {
      const { stdout } = await run(process.execPath, [main, ...args, "--json"], { env })
      return JSON.parse(stdout)
    },
    running,
    start(launcher, ...args) {
      const child = spawn(launcher, args, { env, stdio: ["pipe", "pipe", "inherit"] })
      const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
      const peer = new Peer(nativePort(connectHost(child)), { role: "extension" })
      const host = { peer, pid: child.pid as number, exited, kill: () => void child.kill("SIGKILL") }
      started.push(host)
      return host
    },
    remove() {
      for (const host of started) host.kill()
      const { hosts, bridges } = running()
      for (const pid of [...hosts, ...bridges]) process.kill(pid, "SIGKILL")
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Where the bridge-server of that home says it is. */
export function announced({ dataDir }: HostHome): { http: string; pid: number } {
  return JSON.parse(readFileSync(path.join(dataDir, "bridge.json"), "utf8"))
}

/** The Chromium that has its profile in that home. */
export function chromiumOf({ home }: HostHome): number {
  // The one that the others, with a type, belong to.
  const [pid] = processes("--user-data-dir=", home, "--type=")
  if (pid === undefined) throw new Error("no Chromium runs")
  return pid
}

/** Processes, but for ended ones that their parent has not looked at, whose command line has the first two, and not the third. */
function processes(what: string, folder: string, not = "\0"): number[] {
  return execFileSync("ps", ["-eo", "pid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(what) && line.includes(folder) && !line.includes(not) && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10))
}
