/**
 * `npm run tune [-- --model FILE] [--only TEXT] [--budget MS] [--out FILE] [--json]`: measures, on this machine's GPU through Dawn, the ways our kernels can compute what a model
 * needs, or common sizes, and keeps the fastest by adapter. `npm run bench:kernels:gpu -- --winners FILE` and `createKernels(device, { winners })` plan by them.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseArgs } from "node:util"
import { nodeAdapter } from "../bench/kernels/node-adapter.ts"
import { isSoftware, requestFullDevice } from "../engine/backends/webgpu-adapter.ts"
import { worksOf } from "../engine/backends/wgsl/works.ts"
import {
  adapterKey,
  commonWorks,
  KernelRuntime,
  type Measured,
  parseWinners,
  type Tuned,
  traitsOf,
  tune,
  type Work,
} from "../kernels/index.ts"
import { repoRoot } from "./sources.ts"

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    only: { type: "string" },
    budget: { type: "string", default: "1000" },
    out: { type: "string", default: path.join(repoRoot, ".output/winners.json") },
    json: { type: "boolean", default: false },
  },
})
const adapter = await nodeAdapter()
const name = adapterKey(adapter.info)
console.error(
  `adapter: ${name}${isSoftware(adapter) ? ", which is software: what is found says nothing of a GPU" : ""}`,
)
const device = await requestFullDevice(adapter)
const runtime = new KernelRuntime(device, traitsOf(device))

const works = values.model ? worksOf(new Uint8Array(readFileSync(values.model)), runtime.limits) : commonWorks
const found: Tuned[] = []
for (const work of works.filter(({ kernel }) => !values.only || kernel.name.includes(values.only))) {
  const tuned = await tune(runtime, work, { budgetMs: Number(values.budget) })
  if (!tuned) continue
  found.push(tuned)
  if (!values.json) print(work, tuned)
}
const stored = existsSync(values.out) ? parseWinners(readFileSync(values.out, "utf8")) : {}
const winners = { ...stored[name], ...Object.fromEntries(found.map(({ key, winner }) => [key, winner])) }
writeFileSync(values.out, `${JSON.stringify({ ...stored, [name]: winners }, null, 2)}\n`)
if (values.json) console.log(JSON.stringify({ adapter: name, found }, null, 2))
console.error(`${found.length} measured; the fastest are in ${values.out}`)
// Dawn's threads would keep the process
process.exit(0)

function print({ kernel, inputs }: Work, { winner, variants }: Tuned): void {
  const shapes = inputs.map((input) => (input ? `[${input.shape}]` : "–")).join(" ")
  console.log(`\n${kernel.name} ${shapes}`)
  for (const [i, one] of variants.entries()) {
    const notes = [i === 0 && "the plan's", one.ms === winner.ms && one.algorithm === winner.algorithm && "fastest"]
    console.log(`  ${described(one).padEnd(48)} ${time(one)}  ${notes.filter(Boolean).join(", ")}`.trimEnd())
  }
}

function described({ algorithm, tuning }: Measured): string {
  return `${algorithm} ${Object.entries(tuning ?? {})
    .map(([constant, value]) => `${constant}=${value}`)
    .join(" ")}`
}

function time({ ms, reason = "" }: Measured): string {
  return ms === undefined ? reason : `${ms.toFixed(3)} ms`
}
