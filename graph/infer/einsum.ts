/** Labels of each input's axes and of the result's; the axes of an ellipsis are `.3`, `.2`, `.1`, counted from the last. */
export interface Equation {
  inputs: string[][]
  output: string[]
}

/** Splits a term into labels; an ellipsis becomes as many labels of its own as dimensions are left. */
function labels(term: string, rank: number, refusal: (expected: string) => Error): string[] {
  const [before = "", after, ...more] = term.split("...")
  if (more.length > 0 || /[^A-Za-z]/.test(before + (after ?? ""))) throw refusal("an einsum equation")
  if (after === undefined) return [...before]
  const free = rank - before.length - after.length
  return [...before, ...Array.from({ length: Math.max(0, free) }, (_, i) => `.${free - i}`), ...after]
}

/** Einsum's `equation` for inputs of these ranks. Throws what `refusal` makes of what was expected. */
export function parseEquation(
  equation: string,
  ranks: readonly number[],
  refusal: (expected: string) => Error,
): Equation {
  const [left = "", right] = equation.replaceAll(" ", "").split("->")
  const terms = left.split(",")
  if (terms.length !== ranks.length) throw refusal("an einsum equation with a term for each input")
  const inputs = terms.map((term, i) => labels(term, ranks[i]!, refusal))
  inputs.forEach((term, i) => {
    if (term.length !== ranks[i]) throw refusal(`a term of ${ranks[i]} labels for input ${i}`)
  })
  const all = inputs.flat()
  const free = Math.max(0, ...all.filter((label) => label.startsWith(".")).map((label) => Number(label.slice(1))))
  const ellipsis = Array.from({ length: free }, (_, i) => `.${free - i}`)
  // With no "->" the output is the ellipsis, then each label that occurs once, in alphabetical order.
  const once = [...new Set(all)].filter((label) => !label.startsWith(".") && all.indexOf(label) === all.lastIndexOf(label)).sort() // biome-ignore format: one rule
  const output =
    right === undefined ? [...ellipsis, ...once] : labels(right, free + right.replace("...", "").length, refusal)
  return { inputs, output }
}
