import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"
import { repoRoot } from "../../scripts/sources.ts"
import { type BridgeAccelerator, connect, type Session } from "../../sdk/index-node.ts"
import { processorMs, processTree } from "../../test/support/processes.ts"
import { type BurstPlan, burst } from "../burst.ts"
import { type BenchModel, copyOf, type Feed } from "../models.ts"

/** A bridge-server as a person starts it, evidence and all, with a data folder of its own, and callers that are connected to it. */
export class BridgeProcess {
  readonly #child: ChildProcess
  readonly #dataDir: string
  readonly #callers: BridgeAccelerator[]
  #sessions: Session[] = []
  #feeds: Record<string, Feed> = {}

  private constructor(child: ChildProcess, dataDir: string, callers: BridgeAccelerator[]) {
    this.#child = child
    this.#dataDir = dataDir
    this.#callers = callers
  }

  /** `threads`: those of the native process. Each caller has a connection of its own. */
  static async start(threads: number, callers: number): Promise<BridgeProcess> {
    const dataDir = mkdtempSync(path.join(tmpdir(), "ipfa-bench-"))
    const cli = path.join(repoRoot, "bridge-server", "cli", "main.ts")
    const args = ["serve", "--data", dataDir, "--port", "0", "--threads", String(threads), "--json"]
    const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "pipe", "ignore"] })
    const failed = once(child, "exit").then(() => {
      throw new Error("The bridge-server ended.")
    })
    await Promise.race([once(createInterface(child.stdout!), "line"), failed])
    const connected = await Promise.all(Array.from({ length: callers }, () => connect({ dataDir })))
    return new BridgeProcess(child, dataDir, connected)
  }

  /** Loads the model for every caller; resolves with one run's outputs. */
  async open({ file }: BenchModel, feeds: Record<string, Feed>): Promise<Record<string, Float32Array>> {
    await Promise.all(this.#sessions.map((session) => session.dispose()))
    const reference = pathToFileURL(file).href
    this.#sessions = await Promise.all(this.#callers.map((caller) => caller.load(reference, { device: "native-cpu" })))
    this.#feeds = feeds
    const { outputs } = await this.#sessions[0]!.run(feeds)
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]))
  }

  burst(plan: BurstPlan) {
    return burst(plan, (caller) => this.#sessions[caller]!.run(copyOf(this.#feeds)))
  }

  /** Processor time that it, its native process and the callers have taken so far, ms. */
  processorMs(): number | undefined {
    return processorMs([process.pid, ...processTree(this.#child.pid as number)])
  }

  async close(): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.close()))
    if (this.#child.exitCode === null) {
      this.#child.kill("SIGTERM")
      await once(this.#child, "exit")
    }
    rmSync(this.#dataDir, { recursive: true, force: true })
  }
}
