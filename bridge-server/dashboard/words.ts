/** Numbers and times as the page shows them. */

const time = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" })

/** ms since 1970, as date and time. */
export const when = (at: number): string => time.format(at)

/** Milliseconds with about three digits, or a dash for none. */
export function msText(ms: number | undefined): string {
  if (ms === undefined) return "–"
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)
}

export const rateText = (perSecond: number): string => perSecond.toFixed(perSecond < 10 ? 1 : 0)

/** A model's name short enough for a table: the last part of its reference, else of its hash. */
export function modelName({ model, reference }: { model: string; reference?: string }): string {
  const last = reference
    ?.replace(/[#?].*$/, "")
    .split("/")
    .filter(Boolean)
    .at(-1)
  return last && !last.startsWith("sha256:") ? decodeURIComponent(last) : `sha256:${model.slice(0, 12)}`
}
