/** Our kernels in Node on a software adapter, which any machine has: kernels/in-node.ts. `node bench/kernels-node.ts [--budget MS] [--only TEXT]` */
import { softwareAdapter } from "../test/kernels/software-gpu.ts"
import { writeResult } from "./harness.ts"
import { operations, prefill } from "./kernels/cases.ts"
import { inNode } from "./kernels/in-node.ts"

const { rows, notRun, adapter } = await inNode(await softwareAdapter(), [...operations, prefill])
writeResult("kernels-node", rows, notRun, adapter)
// Dawn's threads would keep the process
process.exit(0)
