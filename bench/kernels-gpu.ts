/**
 * Our kernels in Node on this machine's GPU: kernels/in-node.ts, with sizes that fill one. Without a GPU it runs on a software adapter, to show that it works: then nothing is
 * written, since it says nothing of a GPU.
 * `node bench/kernels-gpu.ts [--budget MS] [--only TEXT] [--winners FILE]`; a file of `npm run tune` has our kernels planned by what was measured on this adapter.
 */
import { isSoftware } from "../engine/backends/webgpu-adapter.ts"
import { printRows, writeResult } from "./harness.ts"
import { largeOperations, operations, prefill } from "./kernels/cases.ts"
import { inNode } from "./kernels/in-node.ts"
import { nodeAdapter } from "./kernels/node-adapter.ts"

const adapter = await nodeAdapter()
const software = isSoftware(adapter)
if (software) console.log("There is no GPU here: a software adapter is measured, and nothing written.")
const { rows, notRun, adapter: name } = await inNode(adapter, software ? [...operations, prefill] : largeOperations)
if (software) {
  printRows(rows)
  for (const { case: one, reason } of notRun) console.log(`${one}: NOT_RUN (${reason})`)
  console.log(`measured on ${name}`)
} else writeResult("kernels-gpu", rows, notRun, name)
// Dawn's threads would keep the process
process.exit(0)
