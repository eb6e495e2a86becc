/**
 * When pages end. No platform tells of a MessagePort's other end, so each page that has one holds an extension port as well, whose end the
 * browser does tell, however it came about; the two are known to be one page's by an id.
 */
export class Lives {
  readonly #ends = new Map<string, { end(): void; ended: Promise<void> }>()

  /** The page's extension port is there; call the returned function when it ended. */
  begin(id: string): () => void {
    return this.#life(id).end
  }

  /** Resolves when the page has ended. */
  ended(id: string): Promise<void> {
    return this.#life(id).ended
  }

  /** Whichever of the page's two ports comes first. */
  #life(id: string): { end(): void; ended: Promise<void> } {
    let life = this.#ends.get(id)
    if (!life) {
      const { promise, resolve } = Promise.withResolvers<void>()
      life = { end: resolve, ended: promise.then(() => void this.#ends.delete(id)) }
      this.#ends.set(id, life)
    }
    return life
  }
}
