import { defineQuirk } from "../define-kernel.ts"
import { isSoftware } from "../software.ts"

/**
 * Rasterizers that compute on the CPU fetch the value of each lane by itself, behind checks: a load costs as much as a dozen multiply-adds, and the registers that larger blocks
 * take cost next to nothing. Measured on SwiftShader 5.0 in processor time: convolutions of 1×1 and 3×3 in blocks of 8 × 8, and the products of attention over 256 tokens, take half of what they take
 * in blocks of 4 × 4, depthwise convolutions of 5×5 three quarters; a product of 8 × 512 × 512 in blocks of 4 × 4 a quarter of what it takes with an invocation for each element, and with subgroups,
 * which load a value once for all, a fifth. Matmul's own plan asks for it. Bug: none found; they are made so.
 */
export const costlyLoads = defineQuirk({
  name: "costly loads",
  applies: isSoftware,
  plan({ algorithms }, { algorithm, tuning }) {
    const hasBlocks = Object.hasOwn(algorithms[algorithm]!.source.overrides, "SIDE")
    return hasBlocks ? { algorithm, tuning: { SIDE: 2, ...tuning } } : { algorithm, ...(tuning && { tuning }) }
  },
})
