import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline/promises"
import { setTimeout as delay } from "node:timers/promises"
import { Command } from "commander"
import { installedHosts, launcherOf, thisMachine, uninstallHost } from "../../native-host/install.ts"
import { hostBrowsers } from "../../native-host/places.ts"
import { asAccelerateError } from "../../protocol/index.ts"
import { defaultDataDir, findBridge, tryDataFolder } from "../data-folder.ts"
import { installedService, uninstallService } from "../service/run.ts"
import { removeSharedMemory } from "../shared-memory.ts"
import { connect } from "./connect.ts"
import { bytesText, type GlobalOptions, say } from "./print.ts"
import { plannedService } from "./service.ts"

/** Folders in the data folder whose names anybody may use. */
const SHARED = ["models", "logs", "profiles"]
/** What this software makes in its data folder. Nothing else there is touched: the folder may be one that a person named. */
const OURS = [
  /^((token|bridge\.json|(aliases|agents)\.json(\.v\d+)?)(\.\d+\.part)?|lock|service\.xml|native-host)$/,
  /^evidence\.duckdb/,
  /^models\/(blobs|partials|links)$/,
  /^logs\/bridge\.log(\.\d+)?$/,
  /^profiles\/(chromium|firefox)$/,
]
/** To end takes a bridge-server two seconds or so, while it ends its native processes, ms. */
const END_MS = 20_000
const LOOK_AGAIN_MS = 100

interface UninstallOptions extends GlobalOptions {
  yes?: boolean
}

export function uninstallCommand(): Command {
  return new Command("uninstall")
    .description(
      "Takes everything of a data folder back: the native host, the service, the bridge-server that runs, and after asking the folder.",
    )
    .option("--yes", "remove the data folder without asking: models, names, measurements, paired agents, the token")
    .action(async (_, command: Command) => uninstall(command.optsWithGlobals()))
}

async function uninstall({ json, data, yes }: UninstallOptions): Promise<void> {
  const dir = path.resolve(data ?? defaultDataDir())
  // In this order: whoever would start the bridge-server again goes first. A user has one native host and one service: they may be of another data folder.
  const machine = thisMachine(dir)
  const hosts = installedHosts(machine).filter(({ launcher }) => launcher && launcher !== launcherOf(machine))
  const foreign = hosts.map(({ browser }) => browser)
  const ours = hostBrowsers.filter((browser) => !foreign.includes(browser))
  const browsers = uninstallHost(machine, ours)
  const plan = plannedService(dir)
  const installed = plan && installedService(plan)
  const service = plan !== undefined && installed?.dataDir === dir && (await uninstallService(plan))
  const left = {
    browsers: hosts.map(({ browser, launcher }) => ({ browser, launcher })),
    ...(installed && !service && { service: installed.dataDir ?? plan?.file }),
  }
  const bridge = await endBridge(dir)
  removeSharedMemory(dir)
  const { names, others, bytes } = contents(dir)
  const remove = names.length > 0 && (yes || (!json && (await agreed(dir, names, bytes))))
  if (remove) removeData(dir, names)

  const told = browsers.filter(({ state }) => state === "removed").map(({ browser }) => browser)
  say(json, { browsers, service, bridge, data: { dir, bytes, removed: remove, others }, left }, [
    told.length > 0 ? `Native host: removed for ${told.join(", ")}` : "Native host: was not installed",
    ...hosts.map(
      ({ browser, launcher }) =>
        `  left for ${browser}, which starts ${launcher}, of another data folder (uninstall-native-host removes it)`,
    ),
    service
      ? `Service: ended and removed (${plan?.file})`
      : installed
        ? `Service: left, it is of ${left.service} (service uninstall removes it)`
        : "Service: was not installed",
    bridge ? "Bridge-server: ended" : "Bridge-server: none ran",
    names.length === 0
      ? `Data: there was none in ${dir}`
      : remove
        ? `Data: removed, ${bytesText(bytes)}${others.length > 0 ? `; not of ipfs-accelerate and left: ${others.join(", ")}` : ""}`
        : `Data: left, ${bytesText(bytes)} in ${dir} (uninstall --yes removes it)`,
    "What is left: the extension, which goes with its data when you remove it in the browser, and this package (npm uninstall -g ipfs-accelerate-bridge).",
  ])
}

/** Ends the bridge-server of that folder, and waits until it is gone. False where none ran; throws IPFA_STORE_LOCKED where it stays. */
async function endBridge(dir: string): Promise<boolean> {
  if (!existsSync(dir)) return false
  let ended = false
  try {
    // Only what shows that it is ours: a number left over from a crash may be another program's by now.
    const client = await connect(dir)
    process.kill(findBridge(dir).pid, "SIGTERM")
    client.close()
    ended = true
  } catch (error) {
    if (asAccelerateError(error).code !== "IPFA_BRIDGE_UNREACHABLE") throw error
  }
  for (const until = performance.now() + END_MS; ; await delay(LOOK_AGAIN_MS))
    try {
      tryDataFolder(dir)
      return ended
    } catch (error) {
      if (!ended || performance.now() > until) throw error
    }
}

function contents(dir: string): { names: string[]; others: string[]; bytes: number } {
  const all = listed(dir).flatMap((name) =>
    SHARED.includes(name) ? listed(path.join(dir, name)).map((inner) => `${name}/${inner}`) : [name],
  )
  const isOurs = (name: string) => OURS.some((pattern) => pattern.test(name))
  const names = all.filter(isOurs)
  return {
    names,
    others: all.filter((name) => !isOurs(name)),
    bytes: names.reduce((sum, name) => sum + size(path.join(dir, name)), 0),
  }
}

const listed = (dir: string) => (statSync(dir, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(dir) : [])

function size(file: string): number {
  const stat = lstatSync(file)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(file).reduce((sum, name) => sum + size(path.join(file, name)), 0)
}

/** The person's answer, where there is a terminal; else no. */
async function agreed(dir: string, names: readonly string[], bytes: number): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`Remove ${bytesText(bytes)} in ${dir} (${names.join(", ")})? [y/N] `)
  terminal.close()
  return /^y/i.test(answer.trim())
}

function removeData(dir: string, names: readonly string[]): void {
  for (const name of names) rmSync(path.join(dir, name), { recursive: true, force: true, maxRetries: 5 })
  for (const folder of [...SHARED.map((name) => path.join(dir, name)), dir])
    try {
      rmdirSync(folder)
    } catch {
      // It is not there, or there are files in it that are not ours.
    }
}
