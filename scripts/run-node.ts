import { spawn } from "node:child_process"
import { once } from "node:events"
import { repoRoot } from "./sources.ts"

/**
 * Runs `node ARGS` in the repository: its exit code, null where a signal ended it. What this process is asked to end by meanwhile ends that one first,
 * and with it what it has started; then this one, with 1.
 */
export async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number | null> {
  const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: "inherit", env })
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const
  const end = (signal: NodeJS.Signals) => {
    child.once("exit", () => process.exit(1))
    child.kill(signal)
  }
  for (const signal of signals) process.on(signal, end)
  const [code] = (await once(child, "exit")) as [number | null]
  for (const signal of signals) process.off(signal, end)
  return code
}
