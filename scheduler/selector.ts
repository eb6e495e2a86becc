/** A device selector's parts: `backend[:type][#index]`. */
export interface Selector {
  backend: string
  type?: string
  index?: number
}

/** The parts of `text`, or undefined where it is no selector. */
export function parseSelector(text: string): Selector | undefined {
  const match = /^([a-z][a-z0-9-]*)(?::([a-z0-9-]+))?(?:#(\d{1,3}))?$/.exec(text)
  if (!match) return undefined
  const [, backend, type, index] = match
  return { backend: backend!, ...(type && { type }), ...(index && { index: Number(index) }) }
}

/** Whether `device` is one that `wanted` means: what `wanted` leaves out is free, and a device without an index is the first. */
export function selectorMatches(wanted: string, device: string): boolean {
  if (wanted === device) return true
  const want = parseSelector(wanted)
  const have = parseSelector(device)
  if (!want || !have || want.backend !== have.backend) return false
  if (want.type !== undefined && want.type !== have.type) return false
  return want.index === undefined || want.index === (have.index ?? 0)
}
