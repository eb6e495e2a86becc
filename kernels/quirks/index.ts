import type { Limits } from "../define-kernel.ts"
import type { Winners } from "../tuning/winners.ts"
import { busyPolls } from "./busy-polls.ts"
import { costlyBarriers } from "./costly-barriers.ts"
import { costlyLoads } from "./costly-loads.ts"
import { costlyWorkgroups } from "./costly-workgroups.ts"
import { slowInt8 } from "./slow-int8.ts"
import { slowPolls } from "./slow-polls.ts"

/** A file for each. */
const quirks = [busyPolls, costlyBarriers, costlyLoads, costlyWorkgroups, slowInt8, slowPolls]

/**
 * What plans for `device` depend on: its limits and features, the quirks of its adapter, where the platform says what that is, and of the browser, what was measured on that adapter, and the
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
    quirks: quirks.filter(({ applies }) => applies(adapterInfo ?? {}, globalThis.navigator?.userAgent ?? "")),
    features: new Set([...features, ...wgslFeatures]),
    subgroupMaxSize: adapterInfo?.subgroupMaxSize,
    winners,
  }
}
