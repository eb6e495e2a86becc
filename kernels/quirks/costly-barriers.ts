import { defineQuirk } from "../define-kernel.ts"
import { isSoftware } from "../software.ts"

/** Invocations that SwiftShader and lavapipe run in step, as lanes of one vector: among so few a barrier costs next to nothing. */
const IN_STEP = 4

/** What computes the same without any. */
const without: Readonly<Record<string, string>> = {
  tiled: "blocked",
  "tiled-vec4": "blocked-vec4",
  split: "naive",
  "split-blocked": "blocked",
  "split-blocked-vec4": "blocked-vec4",
}

/**
 * Rasterizers that compute on the CPU run a workgroup as coroutines and pay for every barrier by saving and restoring each. Measured on SwiftShader 5.0 (two cores): a layer
 * normalization of 512 × 1024 takes 18 times longer with 64 invocations a row than with 4; a product of 256 × 256 through workgroup memory 2.3 times longer
 * than in registers. Bug: none found; they are made so.
 */
export const costlyBarriers = defineQuirk({
  name: "costly barriers",
  applies: isSoftware,
  plan({ algorithms }, { algorithm, tuning }) {
    const other = without[algorithm]
    if (other && Object.hasOwn(algorithms, other)) return { algorithm: other }
    const { source, workgroup } = algorithms[algorithm]!
    const isRow = Object.keys(source.overrides).join() === "WG" && workgroup({ WG: IN_STEP }).bytes > 0
    return { algorithm, tuning: isRow ? { ...tuning, WG: IN_STEP } : tuning }
  },
})
