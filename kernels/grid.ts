import { fail } from "../protocol/errors/error.ts"

/**
 * The dispatch `[x, y]` for `count` workgroups where one dimension holds at most `limit` (65,535 unless the device was asked for more).
 * `flat_workgroup` in WGSL turns it back into one index; x · y may exceed `count`, by less than y.
 */
export function workgroupGrid(count: number, limit: number): [x: number, y: number] {
  const y = Math.ceil(count / limit)
  if (y > limit)
    throw fail("IPFA_DEVICE_UNSUPPORTED", {
      message: `That takes ${count} workgroups and the device dispatches at most ${limit}² at once.`,
    })
  return [y === 0 ? 0 : Math.ceil(count / y), y]
}
