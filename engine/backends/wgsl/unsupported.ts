import { fail } from "../../../protocol/index.ts"

/** IPFA_DEVICE_UNSUPPORTED with the part of a model that our kernels can't compute. */
export function unsupported(reason: string, data: Record<string, unknown> = {}): Error {
  return fail("IPFA_DEVICE_UNSUPPORTED", {
    message: `Our kernels can't run this model: ${reason}.`,
    data: { reason, ...data },
  })
}
