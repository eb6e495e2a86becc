import * as v from "valibot"

/** An error as it travels. */
export const wireErrorSchema = v.object({
  code: v.pipe(v.string(), v.maxLength(80)),
  message: v.pipe(v.string(), v.maxLength(8192)),
  data: v.optional(v.record(v.string(), v.unknown())),
  cause: v.optional(v.pipe(v.string(), v.maxLength(8192))),
})
export type WireError = v.InferOutput<typeof wireErrorSchema>
