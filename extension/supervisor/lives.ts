/** How long a page's extension port may come after its MessagePort. */
const BEGIN_MS = 5000
/** As long as a UUID. */
const MAX_ID = 36

interface Life {
  begun: boolean
  end(): void
  ended: Promise<void>
}

/** Ids come from pages' processes: anything may be in them. */
const isLifeId = (id: unknown): id is string => typeof id === "string" && id.length <= MAX_ID

/**
 * When pages end. No platform tells of a MessagePort's other end, so each page that has one holds an extension port as well, whose end the
 * browser does tell, however it came about; the two are known to be one page's by an id.
 */
export class Lives {
  readonly #lives = new Map<string, Life>()

  /** The page's extension port is there; call the returned function when it ended. */
  begin(id: string): () => void {
    if (!isLifeId(id)) return () => undefined
    const life = this.#life(id)
    life.begun = true
    return life.end
  }

  /** Resolves when the page has ended; also where its life does not begin, since nothing would then tell of its end. */
  ended(id: unknown): Promise<void> {
    if (!isLifeId(id)) return Promise.resolve()
    const life = this.#life(id)
    if (!life.begun) setTimeout(() => life.begun || life.end(), BEGIN_MS)
    return life.ended
  }

  /** Whichever of the page's two ports comes first. */
  #life(id: string): Life {
    let life = this.#lives.get(id)
    if (!life) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const end = () => {
        this.#lives.delete(id)
        resolve()
      }
      life = { begun: false, end, ended: promise }
      this.#lives.set(id, life)
    }
    return life
  }
}
