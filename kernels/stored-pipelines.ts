import type { WgslFile } from "./define-kernel.ts"
import { wgsl } from "./generated/wgsl.ts"
import type { PipelineRequest } from "./pipelines.ts"

const sources: readonly WgslFile[] = Object.values(wgsl)

/** The request that `pipelineKey` made `key` of; undefined where its source has changed since, or where it is no such key. */
export function pipelineOf(key: string): PipelineRequest | undefined {
  try {
    const [path, hash, config, tuning] = JSON.parse(key)
    const source = sources.find((file) => file.path === path && file.hash === hash)
    return source && { label: path, source, config: Object.fromEntries(config), tuning: Object.fromEntries(tuning) }
  } catch {
    return undefined
  }
}
