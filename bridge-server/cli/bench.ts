import { Command } from "commander"
import { smallestForms, trialFeeds } from "../../engine/pool/trial-feeds.ts"
import { asAccelerateError, type BenchmarkRow, type Peer, type SessionInfo } from "../../protocol/index.ts"
import { defaultDataDir } from "../data-folder.ts"
import { connect } from "./connect.ts"
import { readFeeds } from "./feeds.ts"
import { type GlobalOptions, msText, say, table } from "./print.ts"
import { toReference } from "./reference.ts"
import { clearProgress, showProgress, tellProgress } from "./run.ts"
import { number } from "./serve.ts"

interface BenchOptions extends GlobalOptions {
  input?: string[]
  device?: string[]
  agent?: string
  samples: number
  warmup: number
  budget: number
}

export function benchCommand(): Command {
  return new Command("bench")
    .description(
      "Measures a model on every device: load, first run, steady runs one at a time. Fails where none could be measured.",
    )
    .argument("<model>", "a name, a file, or a reference")
    .option("--input <name=value...>", "as for run; without it, made-up values of the right kind")
    .option("--device <selector...>", "only these")
    .option("--agent <name>", "only this agent, by id or browser")
    .option("--samples <n>", "steady runs", number(1, 1000), 20)
    .option("--warmup <n>", "runs before them", number(0, 100), 3)
    .option("--budget <ms>", "steady runs end after this, with the samples there are", number(1, 600_000), 10_000)
    .action(async (model: string, _, command: Command) => bench(toReference(model), command.optsWithGlobals()))
}

async function bench(model: string, options: BenchOptions): Promise<void> {
  const { device: devices, agent, samples, warmup, budget: budgetMs, json } = options
  const bridge = await connect(options.data ?? defaultDataDir())
  try {
    const where = { ...(agent && { agent }) }
    const session = await openOnFirst(bridge.peer, { model, ...where }, devices ?? [])
    const feeds = options.input ? readFeeds(options.input, session.inputs) : trialFeeds(smallestForms(session.inputs))
    await bridge.peer.call("session.close", { sessionId: session.sessionId })
    const { rows, absent } = await bridge.peer.call(
      "benchmark.run",
      { model, feeds, samples, warmup, budgetMs, ...where, ...(devices && { devices }) },
      { onEvent: ({ device, phase, done, of }) => tellProgress(`${device} ${phase} ${done}/${of}`) },
    )
    clearProgress()
    say(json, { model: session.model, rows, absent }, [
      ...(rows.length > 0 ? measured(rows) : []),
      ...absent.map((a) => `${a.agent ? `${a.agent}/` : ""}${a.id}: ${a.reason}`),
    ])
    if (rows.length === 0) process.exitCode = 1
  } finally {
    bridge.close()
  }
}

/** What the model takes is known where it is open: on the first of `devices` that opens it, on any where none is named. Throws what the last said. */
async function openOnFirst(
  peer: Peer,
  params: { model: string; agent?: string },
  [device, ...others]: readonly string[],
): Promise<SessionInfo> {
  try {
    return await peer.call("session.open", { ...params, ...(device && { device }) }, { onEvent: showProgress })
  } catch (error) {
    if (others.length === 0 || !asAccelerateError(error).code.startsWith("IPFA_DEVICE")) throw error
    return openOnFirst(peer, params, others)
  }
}

const measured = (rows: readonly BenchmarkRow[]) =>
  table(
    ["agent", "device", "adapter", "load ms", "first ms", "p50 ms", "n"],
    rows.map(({ device, loadMs, firstMs, p50Ms, n }) => [
      device.agent ?? "",
      device.id,
      device.adapter,
      msText(loadMs),
      msText(firstMs),
      msText(p50Ms),
      String(n),
    ]),
  )
