import { Command } from "commander"
import type { TunedKernel } from "../../protocol/index.ts"
import { defaultDataDir } from "../data-folder.ts"
import { connect } from "./connect.ts"
import { type GlobalOptions, msText, say, table } from "./print.ts"
import { toReference } from "./reference.ts"
import { clearProgress, tellProgress } from "./run.ts"
import { number } from "./serve.ts"

interface TuneOptions extends GlobalOptions {
  agent?: string
  budget: number
}

export function kernelsCommand(): Command {
  const command = new Command("kernels").description("Our own GPU kernels, in the browsers that are connected.")
  command
    .command("tune")
    .description(
      "Has each connected browser with WebGPU measure which of our kernels are fastest there. It keeps what it finds, and sessions opened from then on go by it.",
    )
    .argument("[model]", "tune what this model needs: a name, a file, or a reference (default: common sizes)")
    .option("--agent <name>", "only this agent, by id or browser")
    .option("--budget <ms>", "time for each kind of work", number(1, 60_000), 1000)
    .action(async (model: string | undefined, _, c: Command) => tune(model, c.optsWithGlobals()))
  return command
}

async function tune(model: string | undefined, options: TuneOptions): Promise<void> {
  const { agent, budget: budgetMs, json } = options
  const bridge = await connect(options.data ?? defaultDataDir())
  try {
    const { rows, absent } = await bridge.peer.call(
      "kernels.tune",
      { budgetMs, ...(model !== undefined && { model: toReference(model) }), ...(agent && { agent }) },
      { onEvent: ({ device, done, of }) => tellProgress(`${device} ${done}/${of}`) },
    )
    clearProgress()
    say(json, { rows, absent }, [
      ...table(
        ["agent", "device", "adapter", "work", "fastest", "ms", "untuned ms"],
        rows.flatMap(({ device, kernels }) =>
          kernels.map((kernel) => [
            device.agent ?? "",
            device.id,
            device.adapter,
            kernel.work,
            way(kernel),
            msText(kernel.ms),
            msText(kernel.planMs),
          ]),
        ),
      ),
      ...absent.map((a) => `${a.agent ? `${a.agent}/` : ""}${a.id}: ${a.reason}`),
    ])
  } finally {
    bridge.close()
  }
}

function way({ algorithm, tuning }: TunedKernel): string {
  return [algorithm, ...Object.entries(tuning).map(([constant, value]) => `${constant}=${value}`)].join(" ")
}
