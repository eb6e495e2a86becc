import type { Step } from "../../../kernels/index.ts"
import { sha256OfText } from "../../store/digest.ts"
import type { Program } from "./program.ts"

/**
 * For each buffer in `fixed`, which depend on no input, what it will hold: the key of stored words, or a digest of the steps that compute it and all that
 * they read. Equal keys are equal contents, whichever shapes, session or model they come from.
 */
export async function contentKeys(
  { buffers, ops }: Program,
  fixed: ReadonlySet<number>,
): Promise<ReadonlyMap<number, string>> {
  const stored = [...fixed].map(async (buffer) => {
    const { data, bytes } = buffers[buffer]!
    return [buffer, data ? await data.key : `zeros:${bytes}`] as const
  })
  const keys = new Map(await Promise.all(stored))
  for (const { step, reads, writes, ranges } of ops) {
    if (!fixed.has(writes)) continue
    const before = [writes, ...reads].map((buffer) => (buffer === undefined ? null : keys.get(buffer)!))
    keys.set(writes, await sha256OfText(JSON.stringify([before, ranges, described(step)])))
  }
  return keys
}

function described({ pipeline: { source, config, tuning }, grid, params }: Step): unknown {
  return [source.path, source.hash, Object.entries(config), Object.entries(tuning), grid, [...new Uint32Array(params)]]
}
