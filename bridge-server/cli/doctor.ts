import path from "node:path"
import { Command } from "commander"
import { thisMachine } from "../../native-host/install.ts"
import { defaultDataDir } from "../data-folder.ts"
import { checkBrowsers, checkTerminal, checkWebnn } from "./check-browsers.ts"
import {
  checkDataFolder,
  checkDisk,
  checkDuckDb,
  checkGpus,
  checkMachine,
  checkNode,
  checkOnnxRuntime,
  checkPort,
  type Finding,
} from "./checks.ts"
import { checkNativeHost } from "./native-host.ts"
import { type GlobalOptions, say } from "./print.ts"
import { DEFAULT_PORT } from "./serve.ts"
import { servicePort } from "./service.ts"

export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "What this machine can and can't do, why, and how to get it. Fails only where the bridge-server could not work.",
    )
    .action(async (_, command: Command) => doctor(command.optsWithGlobals()))
}

async function doctor({ json, data }: GlobalOptions): Promise<void> {
  const dir = path.resolve(data ?? defaultDataDir())
  const findings = [
    checkNode(),
    checkMachine(),
    checkDataFolder(dir),
    checkDisk(dir),
    await checkPort(servicePort(dir) ?? DEFAULT_PORT, dir),
    await checkOnnxRuntime(),
    await checkDuckDb(),
    ...(await checkGpus()),
    ...checkBrowsers(),
    checkNativeHost(thisMachine(dir)),
    checkWebnn(),
    checkTerminal(),
  ]
  const ok = findings.every((f) => f.ok || !f.needed)
  say(json, { ok, findings }, findings.flatMap(lines))
  if (!ok) process.exitCode = 1
}

const WIDTH = 17

function lines({ name, ok, detail, fix }: Finding): string[] {
  const first = `${ok ? "OK    " : "absent"}  ${name.padEnd(WIDTH)} ${detail}`
  return fix ? [first, `${" ".repeat(WIDTH + 9)}${fix}`] : [first]
}
