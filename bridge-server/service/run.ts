import { execFile } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { fail } from "../../protocol/index.ts"
import type { ServicePlan } from "./plan.ts"

export type Command = readonly [program: string, ...args: string[]]

const execute = promisify(execFile)
const LIMIT_MS = 60_000

/** Writes the file and starts the service; an earlier one is replaced. Where the system refuses, all is as if nothing was asked. */
export async function installService(plan: ServicePlan): Promise<void> {
  const before = existsSync(plan.file) ? readFileSync(plan.file) : undefined
  if (before) await quietly(plan.stop)
  mkdirSync(path.dirname(plan.file), { recursive: true })
  writeFileSync(plan.file, plan.content)
  try {
    await runAll(plan.start)
  } catch (error) {
    await quietly(plan.stop)
    if (before) writeFileSync(plan.file, before)
    else rmSync(plan.file, { force: true })
    await quietly(before ? plan.start : plan.afterwards)
    throw error
  }
}

/** For which data folder a service is installed, and with which options of `serve`; undefined where none is. */
export function installedService(plan: ServicePlan): { dataDir: string | undefined; options: string[] } | undefined {
  if (!existsSync(plan.file)) return undefined
  const words = plan.wordsIn(readFileSync(plan.file))
  const at = words.indexOf("--data")
  return at < 0 ? { dataDir: undefined, options: [] } : { dataDir: words[at + 1], options: words.slice(at + 2) }
}

/** Ends the service and removes its file. False where there was none. */
export async function uninstallService(plan: ServicePlan): Promise<boolean> {
  if (!existsSync(plan.file)) return false
  // A service that does not run, or was taken out by hand, is no reason to keep its file.
  await quietly(plan.stop)
  rmSync(plan.file)
  await quietly(plan.afterwards)
  return true
}

async function runAll(commands: readonly Command[]): Promise<void> {
  for (const [program, ...args] of commands)
    try {
      await execute(program, args, { timeout: LIMIT_MS, windowsHide: true })
    } catch (cause) {
      const { stderr = "", message } = cause as Error & { stderr?: string }
      const reason = stderr.trim() || message
      throw fail("IPFA_BRIDGE_SERVICE", {
        message: `${program} ${args.join(" ")} failed: ${reason.split("\n")[0]}`,
        data: { command: [program, ...args], reason: reason.slice(0, 2000) },
        cause,
      })
    }
}

async function quietly(commands: readonly Command[]): Promise<void> {
  for (const command of commands) await runAll([command]).catch(() => undefined)
}
