/** A model's name short enough for a table: the last part of its reference, else of its hash. */
export function modelName({ model, reference }: { model: string; reference?: string }): string {
  const last = reference
    ?.replace(/[#?].*$/, "")
    .split("/")
    .filter(Boolean)
    .at(-1)
  return last && !last.startsWith("sha256:") ? decodeURIComponent(last) : `sha256:${model.slice(0, 12)}`
}
