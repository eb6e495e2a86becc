import type { AnyKernel, StoredDtype } from "../../kernels/index.ts"

type Case = AnyKernel["cases"][number]

/** The case with float16 in the place of each float32. */
export function halved(one: Case): Case {
  const { dtype = "float32" } = one
  return {
    ...one,
    dtype: one.shapes.map((_, i): StoredDtype => {
      const own = typeof dtype === "string" ? dtype : dtype[i]!
      return own === "float32" ? "float16" : own
    }),
  }
}
