import { defineQuirk } from "../define-kernel.ts"
import { isSoftware } from "../software.ts"

/**
 * Dawn in Node (npm webgpu) looks whether work is done at every turn of the event loop, without a pause: it takes a core for as long as somebody waits, and from an adapter that computes on the CPU that core is
 * taken. Measured on SwiftShader 5.0 (two cores, both in use): with rests of 0.1 ms between two looks a sum of 512 × 1024 to be read back takes two thirds of the time, a product of 256 × 256 three quarters;
 * shorter rests give less of it, longer ones no more. The event loop is held up by as much. Bug: https://crbug.com/dawn/1127.
 */
export const busyPolls = defineQuirk({
  name: "busy polls",
  applies: (adapter, userAgent) => userAgent.startsWith("Node.js/") && isSoftware(adapter),
  restMs: 0.1,
})
