import { existsSync } from "node:fs"
import os from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Command } from "commander"
import { fail } from "../../protocol/index.ts"
import { defaultDataDir, findBridge } from "../data-folder.ts"
import { files } from "../files.ts"
import { type ServicePlan, servicePlan } from "../service/plan.ts"
import { installedService, installService, uninstallService } from "../service/run.ts"
import { type GlobalOptions, say } from "./print.ts"
import { serveCommand } from "./serve.ts"
import { awaitStart } from "./started.ts"

export function serviceCommand(): Command {
  const command = new Command("service").description("Has the system start the bridge-server when you log in.")
  command
    .command("install")
    .description("Installs and starts it, and waits until it answers; what is there already is replaced.")
    .argument("[options...]", "options of serve, after --: service install -- --port 8791")
    .action(async (given: string[], _, c: Command) => {
      const { json, data } = c.optsWithGlobals<GlobalOptions>()
      const plan = planFor(data, checked(given))
      const [before, since] = [running(data)?.pid, Date.now()]
      await installService(plan)
      const http = await awaitStart(path.resolve(data ?? defaultDataDir()), { before, since })
      say(json, { installed: true, file: plan.file, http }, [
        `Installed: ${plan.file}`,
        `The bridge-server is at ${http}.`,
        plan.note,
        "ipfs-accelerate status says who is there; service uninstall takes it back.",
      ])
    })
  command
    .command("uninstall")
    .description("Ends it and takes back what install did; the data folder stays.")
    .action(async (_, c: Command) => {
      const { json, data } = c.optsWithGlobals<GlobalOptions>()
      const plan = planFor(data, [])
      const removed = await uninstallService(plan)
      say(json, { removed, file: plan.file }, [removed ? `Ended and removed: ${plan.file}` : "It is not installed."])
    })
  command
    .command("status")
    .description("Whether it is installed, and whether a bridge-server runs on the data folder.")
    .action((_, c: Command) => {
      const { json, data } = c.optsWithGlobals<GlobalOptions>()
      const { file } = planFor(data, [])
      const installed = existsSync(file)
      const bridge = running(data)
      say(json, { installed, file, ...(bridge && { http: bridge.http, pid: bridge.pid }) }, [
        installed ? `Installed: ${file}` : "Not installed.",
        bridge ? `A bridge-server runs at ${bridge.http} (process ${bridge.pid}).` : "No bridge-server runs.",
      ])
    })
  return command
}

function planFor(data: string | undefined, serveOptions: readonly string[]): ServicePlan {
  const plan = plannedService(path.resolve(data ?? defaultDataDir()), serveOptions)
  if (plan) return plan
  throw fail("IPFA_BRIDGE_SERVICE", {
    message: `There is no known way to install a service on ${process.platform}. Start ipfs-accelerate serve by a script of your own.`,
  })
}

/** How this system is told of the service; undefined where no way is known. */
export function plannedService(dataDir: string, serveOptions: readonly string[] = []): ServicePlan | undefined {
  const { username } = os.userInfo()
  const domain = process.env.USERDOMAIN
  return servicePlan({
    platform: process.platform,
    env: process.env,
    home: os.homedir(),
    uid: process.getuid?.() ?? 0,
    user: domain ? `${domain}\\${username}` : username,
    words: [process.execPath, fileURLToPath(files.cli), "serve", "--data", dataDir, ...serveOptions],
    dataDir,
  })
}

/** The port that the service of that data folder is told to listen on; undefined where none is installed for it. */
export function servicePort(dataDir: string): number | undefined {
  const plan = plannedService(dataDir)
  const installed = plan && installedService(plan)
  if (installed?.dataDir !== dataDir) return undefined
  const serve = serveCommand()
  serve.parseOptions(installed.options)
  return serve.opts<{ port: number }>().port
}

/** Options as `serve` takes them, so that a typing error shows now and not in a log; files by their whole path, since a service starts elsewhere. */
function checked(given: readonly string[]): string[] {
  const { operands, unknown } = serveCommand()
    .exitOverride()
    .parseOptions([...given])
  const wrong = [...operands, ...unknown][0]
  if (wrong !== undefined)
    throw fail("IPFA_INPUT_INVALID", { message: `${wrong} is no option of serve. See ipfs-accelerate serve --help.` })
  return given.map((word, i) => {
    if (["--tls-cert", "--tls-key"].includes(given[i - 1] ?? "")) return path.resolve(word)
    return word.replace(/^(--tls-(?:cert|key)=)(.+)$/, (_, flag, file) => flag + path.resolve(file))
  })
}

function running(data: string | undefined): { http: string; pid: number } | undefined {
  try {
    const bridge = findBridge(path.resolve(data ?? defaultDataDir()))
    process.kill(bridge.pid, 0)
    return bridge
  } catch {
    return undefined
  }
}
