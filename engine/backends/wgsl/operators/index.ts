import type { Lowering } from "../lowering.ts"
import { attentions } from "./attention.ts"
import { composites } from "./composed.ts"
import { convolutions } from "./convolution.ts"
import { sums } from "./einsum.ts"
import { elementwise } from "./elementwise.ts"
import { integers } from "./integer.ts"
import { layouts } from "./layout.ts"
import { multiplications } from "./matmul.ts"
import { microsoft } from "./microsoft.ts"
import { microsoftAttentions } from "./microsoft-attention.ts"
import { normalizations } from "./normalization.ts"
import { packed } from "./packed.ts"
import { pools } from "./pool.ts"
import { quantizations } from "./quantization.ts"
import { recurrences } from "./recurrent.ts"
import { reductions } from "./reduce.ts"
import { resizing } from "./resize.ts"
import { scatters } from "./scatter.ts"
import { selections } from "./select.ts"
import { signals } from "./signal.ts"

const families = [
  attentions,
  composites,
  convolutions,
  elementwise,
  integers,
  layouts,
  microsoft,
  microsoftAttentions,
  multiplications,
  normalizations,
  packed,
  pools,
  quantizations,
  recurrences,
  reductions,
  resizing,
  scatters,
  selections,
  signals,
  sums,
]

const table = new Map<string, Lowering>()
for (const lowering of families.flat()) for (const name of lowering.operators) table.set(name, lowering)

export function findLowering(operator: string): Lowering | undefined {
  return table.get(operator)
}

/** Operators that our kernels compute; of other domains than ai.onnx as `domain:name`. */
export const loweredOperators: readonly string[] = [...table.keys()].sort()
