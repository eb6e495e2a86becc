import { type AccelerateError, type ErrorDetail, fail } from "./error.ts"
import { registry } from "./registry.ts"

/** Why a device can't be had. */
export interface Unable {
  /** Selector; with the agent's id before it in a fleet. */
  device: string
  reason: string
}

/** Whose reasons are in the message too; a fleet may have many. */
const IN_WORDS = 4

/** IPFA_DEVICE_NONE with the reason for each device: `data.devices` has all of them, the message those of the first four. */
export function noDevice(
  devices: readonly Unable[],
  { message = registry.IPFA_DEVICE_NONE.message, data, cause }: ErrorDetail = {},
): AccelerateError {
  const words = devices.slice(0, IN_WORDS).map(({ device, reason }) => `${device}: ${reason}`)
  if (devices.length > IN_WORDS) words.push(`${devices.length - IN_WORDS} more`)
  return fail("IPFA_DEVICE_NONE", {
    message: words.length > 0 ? `${message} (${words.join("; ")})` : message,
    data: { devices, ...data },
    cause,
  })
}
