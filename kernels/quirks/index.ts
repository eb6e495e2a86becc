import type { Limits } from "../define-kernel.ts"
import type { Winners } from "../tuning/winners.ts"
import { costlyBarriers } from "./costly-barriers.ts"
import { costlyLoads } from "./costly-loads.ts"
import { slowInt8 } from "./slow-int8.ts"

/** A file for each. */
const quirks = [costlyBarriers, costlyLoads, slowInt8]

/**
 * What plans for `device` depend on: its limits and features, the quirks of its adapter where the platform says what that is, what was measured on that adapter, and the
 * language features that the platform has.
 */
export function traitsOf(
  { limits, features, adapterInfo }: GPUDevice,
  winners?: Winners,
  wgslFeatures: Iterable<string> = globalThis.navigator?.gpu?.wgslLanguageFeatures ?? [],
): Limits {
  return {
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxBufferSize: limits.maxBufferSize,
    quirks: adapterInfo ? quirks.filter((quirk) => quirk.applies(adapterInfo)) : [],
    features: new Set([...features, ...wgslFeatures]),
    subgroupMaxSize: adapterInfo?.subgroupMaxSize,
    winners,
  }
}
