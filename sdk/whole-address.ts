/** A reference by its whole address, where it is relative to `base` (a page's document). `*`, which is any model, stays. */
export function wholeAddress(reference: string, base: string): string {
  return reference !== "*" && URL.canParse(reference, base) ? new URL(reference, base).href : reference
}
