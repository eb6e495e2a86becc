import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { Command } from "commander"
import type { Progress, RunResult, SessionInfo, Tensor } from "../../protocol/index.ts"
import { defaultDataDir } from "../data-folder.ts"
import { connect } from "./connect.ts"
import { readFeeds } from "./feeds.ts"
import { writeNpy } from "./npy.ts"
import { outputFiles } from "./output-files.ts"
import { bigints, bytesText, type GlobalOptions, msText, say } from "./print.ts"
import { toReference } from "./reference.ts"
import { number } from "./serve.ts"

interface RunOptions extends GlobalOptions {
  input?: string[]
  device?: string
  agent?: string
  out?: string
  deadline?: number
}

export function runCommand(): Command {
  return new Command("run")
    .description("Runs a model once.")
    .argument("<model>", "a name (digits), a file, or a reference: https://…[#sha256=…], file:…, sha256:…")
    .option("--input <name=value...>", "file.npy, file.json, JSON, or @file for raw bytes; once for each input")
    .option("--device <selector>", "this device or none: backend[:type][#index]")
    .option("--agent <name>", "this agent or none, by id or browser")
    .option("--out <dir>", "write each output to DIR/NAME.npy")
    .option("--deadline <ms>", "give up after so many milliseconds", number(1, 2 ** 31 - 1))
    .action(async (model: string, _, command: Command) => run(model, command.optsWithGlobals()))
}

async function run(model: string, options: RunOptions): Promise<void> {
  const { device, agent, deadline } = options
  const bridge = await connect(options.data ?? defaultDataDir())
  const limit = deadline === undefined ? {} : { deadlineMs: deadline }
  try {
    const session = await bridge.peer.call(
      "session.open",
      { model: toReference(model), ...(device && { device }), ...(agent && { agent }) },
      { ...limit, onEvent: showProgress },
    )
    clearProgress()
    const feeds = readFeeds(options.input ?? [], session.inputs)
    const result = await bridge.peer.call("session.run", { sessionId: session.sessionId, feeds }, limit)
    if (options.out !== undefined) writeOutputs(options.out, result)
    report(session, result, options)
  } finally {
    bridge.close()
  }
}

function report(session: SessionInfo, result: RunResult, { json, out }: RunOptions): void {
  const { device, agent, fellBackFrom, timing, reruns } = result
  const outputs = Object.entries(result.outputs) as [string, Tensor][]
  const files = outputFiles(Object.keys(result.outputs))
  const back = fellBackFrom ?? session.fellBackFrom
  const facts = { model: session.model, device, agent, fellBackFrom: back, reruns, loadMs: session.loadMs, timing }
  say(json, { ...facts, ...(out === undefined && { outputs: result.outputs }) }, [
    `${agent}/${device}  ${session.device.adapter}  load ${msText(session.loadMs)} ms, run ${msText(timing.runMs)} ms`,
    ...(back ? [`fell back from ${back.agent}/${back.id}: ${back.reason}`] : []),
    ...outputs.map(
      ([name, { dtype, shape, data }], i) =>
        `${name}  ${dtype}[${shape.join(",")}]  ${out === undefined ? preview(data) : path.join(out, files[i]!)}`,
    ),
  ])
}

const SHOWN = 12

function preview(data: Tensor["data"]): string {
  const values = Array.from(data as ArrayLike<unknown>).slice(0, SHOWN)
  const text = JSON.stringify(values, bigints).slice(1, -1).replaceAll(",", " ")
  return data.length > SHOWN ? `${text} … (${data.length})` : text
}

function writeOutputs(dir: string, { outputs }: RunResult): void {
  mkdirSync(dir, { recursive: true })
  for (const [i, file] of outputFiles(Object.keys(outputs)).entries())
    writeFileSync(path.join(dir, file), writeNpy(Object.values(outputs)[i] as Tensor))
}

export function showProgress({ phase, loaded, total }: Progress): void {
  const size =
    phase === "download" ? ` ${bytesText(loaded)}${total === undefined ? "" : ` of ${bytesText(total)}`}` : ""
  tellProgress(`${phase}${size}`)
}

/** In place of what was told before. */
export function tellProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K")
}
