/**
 * Models with open dimensions on the wgsl backend, in Node through Dawn. Until the first answer: with the pipelines that earlier runs needed, against without, each time on a new
 * device, which has compiled nothing. And a token after a cache of another length each time, against one after a cache of one length. `node bench/wgsl-start.ts [--budget MS]`
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { adapterName, requestFullDevice } from "../engine/backends/webgpu-adapter.ts"
import { WgslSession } from "../engine/backends/wgsl/session.ts"
import { KernelRuntime, traitsOf } from "../kernels/index.ts"
import { compare, type NotRun, type Row, writeResult } from "./harness.ts"
import { feedsFor } from "./kernels/feeds.ts"
import { wholeModels } from "./kernels/models.ts"
import { nodeAdapter } from "./kernels/node-adapter.ts"

const { values } = parseArgs({ options: { budget: { type: "string", default: "20000" } } })
const budgetMs = Number(values.budget)

type Dims = Record<string, number>
interface Times {
  openMs: number
  runMs: number
}

const rows: Row[] = []
const notRun: NotRun[] = []

/** An adapter makes one device. */
async function newRuntime(): Promise<KernelRuntime> {
  const device = await requestFullDevice(await nodeAdapter())
  return new KernelRuntime(device, traitsOf(device))
}

/** Times of opening and of the first run, and which pipelines that said it needed. */
async function begin(bytes: Uint8Array, dims: Dims, pipelines?: string[]): Promise<Times & { needed?: string[] }> {
  const runtime = await newRuntime()
  const start = performance.now()
  const session = await WgslSession.open(runtime, bytes, pipelines)
  const opened = performance.now()
  const { pipelines: needed } = await session.run(feedsFor(session.inputs, dims), {})
  const runMs = performance.now() - opened
  await session.close()
  runtime.device.destroy()
  return { openMs: opened - start, runMs, ...(needed && { needed }) }
}

async function start(name: string, bytes: Uint8Array, dims: Dims): Promise<void> {
  const { needed } = await begin(bytes, dims)
  if (!needed) throw new Error(`${name} has no open dimensions`)
  const nothing = { name: "nothing compiled before", pipelines: needed.slice(0, 1) }
  const common = { name: "what common sizes need", pipelines: undefined }
  const cases = [
    { what: "the first run", baseline: nothing, of: ({ runMs }: Times) => runMs },
    { what: "opened and run once", baseline: nothing, of: ({ openMs, runMs }: Times) => openMs + runMs },
    {
      what: "opened and run once, against common sizes",
      baseline: common,
      of: ({ openMs, runMs }: Times) => openMs + runMs,
    },
  ]
  for (const { what, baseline, of } of cases)
    rows.push(
      await compare({
        case: `${name}, ${what}`,
        subject: { name: "what earlier runs needed", run: async () => of(await begin(bytes, dims, needed)) },
        baseline: { name: baseline.name, run: async () => of(await begin(bytes, dims, baseline.pipelines)) },
        unit: "ms",
        budgetMs,
        warmup: 0,
      }),
    )
}

const PAST = 63
async function tokens(name: string, bytes: Uint8Array): Promise<void> {
  const session = await WgslSession.open(await newRuntime(), bytes)
  const token = async (past: number) => void (await session.run(feedsFor(session.inputs, { past }), {}))
  let past = PAST
  rows.push(
    await compare({
      case: `${name}, a token`,
      subject: { name: "after a cache of another length each time", run: () => token(++past) },
      baseline: { name: `after a cache of ${PAST}`, run: () => token(PAST) },
      unit: "ms",
      budgetMs,
      minSamples: 100,
    }),
  )
  await session.close()
}

const modelOf = (text: string) => wholeModels.find(({ name }) => name.includes(text))!

for (const [text, dims] of [
  ["digits", { n: 16 }],
  ["stories260k", { seq: 20, past: 0 }],
] as const) {
  const { file, missing } = modelOf(text)
  const name = `model ${text}`
  if (missing) {
    notRun.push({ case: name, reason: missing })
    continue
  }
  console.error(`${name} …`)
  const bytes = new Uint8Array(readFileSync(file))
  await start(name, bytes, dims)
  if (text === "stories260k") await tokens(name, bytes)
}
const adapter = await nodeAdapter()
writeResult("wgsl-start", rows, notRun, `${adapterName(adapter.info)} through Dawn`)
// Dawn's threads would keep the process
process.exit(0)
