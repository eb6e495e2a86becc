import { expect } from "vitest"
import { float16Value, type Tensor } from "../../protocol/index.ts"
import type { ConformanceCase } from "./case.ts"
import type { Driven } from "./drive.ts"

/** The answer is the one known to be right, nothing that was kept is left, and the numbers are onnxruntime-node's. */
export function expectRight(conformance: ConformanceCase, driven: Driven, reference: Driven): void {
  for (const [what, got, expected] of conformance.known(driven)) expect(got, what).toEqual(expected)
  expect(driven.tokens).toEqual(reference.tokens)
  expect(driven.outputs.length).toBe(reference.outputs.length)
  driven.outputs.forEach((outputs, run) => {
    for (const [name, expected] of Object.entries(reference.outputs[run]!)) {
      const got = outputs[name]
      if (!got) continue
      expect(got.dtype).toBe(expected.dtype)
      expect(got.shape).toEqual(expected.shape)
      expect(excess(got, expected, conformance.tolerance), `${name} of run ${run}, over its tolerance by`).toBe(0)
    }
  })
  expect(driven.keptBytes.after, "bytes still kept after release").toBe(0)
}

/** How far past the tolerance the worst element is; 0 where all are within it. */
function excess(got: Tensor, expected: Tensor, { absolute, relative }: ConformanceCase["tolerance"]): number {
  const [a, b] = [numbers(got), numbers(expected)]
  let worst = 0
  for (let i = 0; i < b.length; i++) {
    const over = Math.abs(a[i]! - b[i]!) - absolute - relative * Math.abs(b[i]!)
    // NaN, where one side is no number, is over any tolerance.
    if (!(over <= worst)) worst = Number.isNaN(over) ? Number.POSITIVE_INFINITY : over
  }
  return worst
}

function numbers({ dtype, data }: Tensor): ArrayLike<number> {
  return dtype === "float16" ? Float32Array.from(data as Uint16Array, float16Value) : (data as Float32Array)
}
