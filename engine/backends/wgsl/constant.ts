import type { Words } from "../../../kernels/index.ts"
import { sha256Hex } from "../../store/digest.ts"

/** Up to these bytes words are their own key. */
const SMALL_BYTES = 256

/** Words that no input decides. They are asked for when they are uploaded or digested, each of which is once for all programs of a model. */
export class Constant {
  readonly #words: () => Words
  #key: Promise<string> | undefined

  constructor(words: () => Words) {
    this.#words = words
  }

  get words(): Words {
    return this.#words()
  }

  /** What they are: equal keys, equal words. A digest is SHA-256, since a model's author, who may be anybody, must not be able to make weights that are taken for another's. */
  get key(): Promise<string> {
    this.#key ??= keyOf(this.words)
    return this.#key
  }
}

async function keyOf({ buffer, byteOffset, byteLength }: Words): Promise<string> {
  return byteLength <= SMALL_BYTES
    ? `words:${new Uint32Array(buffer, byteOffset, byteLength / 4)}`
    : sha256Hex(new Uint8Array(buffer, byteOffset, byteLength))
}
