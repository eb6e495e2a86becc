import { defineQuirk } from "../define-kernel.ts"
import { isSoftware } from "../software.ts"

/** Algorithms whose invocations have each little to do, and nothing with each other. */
const ELEMENTWISE = new Set(["flat", "strided"])
const INVOCATIONS = 256

/**
 * Rasterizers that compute on the CPU begin every workgroup anew. Measured on SwiftShader 5.0 in processor time: `where` of 512 × 1024, four elements an invocation, takes an eighth less in workgroups of
 * 256 than of 64. Bug: none found; they are made so.
 */
export const costlyWorkgroups = defineQuirk({
  name: "costly workgroups",
  applies: isSoftware,
  plan({ algorithms }, { algorithm, tuning }, limits) {
    const isAlone = Object.keys(algorithms[algorithm]!.source.overrides).join() === "WG"
    if (tuning || !isAlone || !ELEMENTWISE.has(algorithm)) return { algorithm, ...(tuning && { tuning }) }
    const most = Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX)
    return { algorithm, tuning: { WG: Math.min(INVOCATIONS, most) } }
  },
})
