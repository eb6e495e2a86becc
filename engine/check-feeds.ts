import { fail, type KeptTensor, type Tensor, type TensorInfo } from "../protocol/index.ts"

type Feeds = Readonly<Record<string, Tensor | KeptTensor>>

/**
 * Refuses feeds that don't fit a session's `inputs`: a name too many or too few, another dtype, another rank, a fixed dimension that differs.
 * Throws IPFA_INPUT_SHAPE with `data.path` (such as `feeds.image.shape.1`) and `data.expected`.
 */
export function checkFeeds(feeds: Feeds, inputs: readonly TensorInfo[]): void {
  const known = new Set(inputs.map((input) => input.name))
  for (const name of Object.keys(feeds))
    if (!known.has(name)) throw unfit(`feeds.${name}`, `one of the inputs ${[...known].join(", ")}`)
  for (const input of inputs) {
    const path = `feeds.${input.name}`
    const feed = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined
    if (!feed) throw unfit(path, `a ${input.dtype} tensor, as the model has this input`)
    if (feed.dtype !== input.dtype) throw unfit(`${path}.dtype`, input.dtype)
    if (feed.shape.length !== input.shape.length)
      throw unfit(`${path}.shape`, `${input.shape.length} dimensions [${input.shape.map((d) => d ?? "?").join(", ")}]`)
    input.shape.forEach((dim, i) => {
      if (typeof dim === "number" && dim !== feed.shape[i]) throw unfit(`${path}.shape.${i}`, dim)
    })
  }
}

/** Refuses names in `keep` or `outputs` that the session has no output for. Throws IPFA_INPUT_INVALID. */
export function checkOutputs(what: "keep" | "outputs", names: readonly string[], outputs: readonly TensorInfo[]): void {
  names.forEach((name, i) => {
    if (outputs.some((output) => output.name === name)) return
    const expected = `one of the outputs ${outputs.map((output) => output.name).join(", ")}`
    throw fail("IPFA_INPUT_INVALID", {
      message: `${what}.${i}: expected ${expected}`,
      data: { path: `${what}.${i}`, expected },
    })
  })
}

/** Refuses a run that asks for nothing. Throws IPFA_INPUT_INVALID. */
export function checkWanted(outputs: readonly string[] | undefined, keep: readonly string[]): void {
  if (outputs?.length !== 0 || keep.length > 0) return
  const expected = "at least one output, or none given for all of them"
  throw fail("IPFA_INPUT_INVALID", { message: `outputs: expected ${expected}`, data: { path: "outputs", expected } })
}

function unfit(path: string, expected: string | number): Error {
  return fail("IPFA_INPUT_SHAPE", { message: `${path}: expected ${expected}`, data: { path, expected } })
}
