/** What one origin has on a device that can't simply be unloaded: tensors that it keeps, or jobs and openings under way. */
export interface Holding {
  readonly origin: string
  /** 0 where it is no kept tensors. */
  readonly keptBytes: number
  /** Any clock. */
  readonly lastUsedAt: number
}

/** A model that is loaded, or that memory is set aside for, and who hold it there. */
export interface Held<H extends Holding = Holding> {
  /** Without kept tensors. */
  readonly modelBytes: number
  readonly holdings: readonly H[]
}

/** Bytes that `origin` holds; a model that it holds with others counts in full. */
export function heldBytes(held: Iterable<Held>, origin: string): number {
  let sum = 0
  for (const { modelBytes, holdings } of held) {
    const own = holdings.filter((holding) => holding.origin === origin)
    if (own.length > 0) sum += own.reduce((kept, { keptBytes }) => kept + keptBytes, modelBytes)
  }
  return sum
}

/**
 * Which holdings to take back for `shortBytes` that `origin` lacks, who would hold `afterBytes` then. Who holds most gives way first, with
 * what was unused longest, and nobody gives way who holds no more than `origin` would. Undefined where all of that is not enough.
 *
 * So an origin alone may have all there is, however large its model; where many want memory, each comes to its equal part, however many
 * hold all of it together; and who has no more than that never loses what it keeps. A fixed share would do none of this: two sites with
 * half each starve a third, and half may be too little for the one site that is there.
 */
export function toTakeBack<H extends Holding>(
  held: readonly Held<H>[],
  shortBytes: number,
  { origin, afterBytes }: { origin: string; afterBytes: number },
): Set<H> | undefined {
  const others = othersThan(origin, held)
  const left = new Map(held.map((model) => [model, model.holdings.length]))
  const taken = new Set<H>()
  let short = shortBytes
  while (short > 0) {
    const most = others.reduce<Other<H> | undefined>((a, b) => (a && a.bytes >= b.bytes ? a : b), undefined)
    if (!most || most.bytes <= afterBytes) return undefined
    const { holding, model } = most.waiting.pop()!
    taken.add(holding)
    const { keptBytes } = holding
    most.bytes -= keptBytes + (lessOne(most.of, model) === 0 ? model.modelBytes : 0)
    // The model itself goes when nobody holds it any more.
    short -= keptBytes + (lessOne(left, model) === 0 ? model.modelBytes : 0)
  }
  return taken
}

interface Other<H extends Holding> {
  bytes: number
  /** The longest unused last. */
  readonly waiting: { holding: H; model: Held<H> }[]
  /** Its holdings of each model. */
  readonly of: Map<Held<H>, number>
}

function othersThan<H extends Holding>(origin: string, held: readonly Held<H>[]): Other<H>[] {
  const others = new Map<string, Other<H>>()
  for (const model of held)
    for (const holding of model.holdings) {
      if (holding.origin === origin) continue
      const other: Other<H> = others.get(holding.origin) ?? { bytes: 0, waiting: [], of: new Map() }
      others.set(holding.origin, other)
      const before = other.of.get(model) ?? 0
      other.of.set(model, before + 1)
      other.bytes += holding.keptBytes + (before === 0 ? model.modelBytes : 0)
      other.waiting.push({ holding, model })
    }
  for (const { waiting } of others.values()) waiting.sort((a, b) => b.holding.lastUsedAt - a.holding.lastUsedAt)
  return [...others.values()]
}

function lessOne<K>(counts: Map<K, number>, key: K): number {
  const count = counts.get(key)! - 1
  counts.set(key, count)
  return count
}
