import { defineQuirk } from "../define-kernel.ts"
import { isSoftware } from "../software.ts"

/**
 * Rasterizers that compute on the CPU make a product of four bytes of shifts. Measured on SwiftShader 5.0 (two cores): 16 × 1024 × 1024 with weights of 4 bits takes 2.8 times
 * the CPU time with activations as int8 that it takes with float32. Nothing is planned otherwise for it: `fastActivations` asks for it. Bug: none found.
 */
export const slowInt8 = defineQuirk({ name: "slow int8", applies: isSoftware })
