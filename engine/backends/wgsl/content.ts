import type { Step } from "../../../kernels/index.ts"
import { sha256Hex, sha256OfText } from "../../store/digest.ts"
import type { Program, Words } from "./program.ts"

/**
 * For each buffer in `fixed`, which depend on no input, what it will hold: a digest of stored words, or of the steps that compute it and all that
 * they read. Equal keys are equal contents, whichever shapes, session or model they come from. SHA-256, since a model's author, who may be anybody, must not
 * be able to make weights that are taken for another's.
 */
export async function contentKeys(
  { buffers, ops }: Program,
  fixed: ReadonlySet<number>,
): Promise<ReadonlyMap<number, string>> {
  const stored = [...fixed].map(async (buffer) => {
    const { data, bytes } = buffers[buffer]!
    return [buffer, data ? await digest(data) : `zeros:${bytes}`] as const
  })
  const keys = new Map(await Promise.all(stored))
  for (const { step, reads, writes, ranges } of ops) {
    if (!fixed.has(writes)) continue
    const before = [writes, ...reads].map((buffer) => (buffer === undefined ? null : keys.get(buffer)!))
    keys.set(writes, await sha256OfText(JSON.stringify([before, ranges, described(step)])))
  }
  return keys
}

const digest = (words: Words) => sha256Hex(new Uint8Array(words.buffer, words.byteOffset, words.byteLength))

function described({ pipeline: { source, config, tuning }, grid, params }: Step): unknown {
  return [source.path, source.hash, Object.entries(config), Object.entries(tuning), grid, [...new Uint32Array(params)]]
}
