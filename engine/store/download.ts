import { AccelerateError, abortReason, fail, type Progress } from "../../protocol/index.ts"
import type { ByteSource, SourceBody } from "../resolve/resolver.ts"
import type { PartialBytes } from "./byte-store.ts"

const MAX_ATTEMPTS = 5
/** So many bodies that brought nothing end it before. */
const MAX_EMPTY = 2
/** Where the length is not known, room is asked for in such steps. */
const STEP_BYTES = 2 ** 20

export interface DownloadOptions {
  signal: AbortSignal
  maxBytes: number
  /** A body that brings nothing for so long is given up, ms. */
  stallMs: number
  onProgress(progress: Progress): void
  /** Makes room for that many bytes in all. Throws IPFA_STORE_QUOTA. */
  reserve(bytes: number, written: number): Promise<void>
}

/**
 * Brings what `source` has into `partial`, going on where an earlier download was cut off, and again when this one is. What came stays in
 * `partial` also when it throws. True where bytes of an earlier answer are among them.
 */
export async function download(source: ByteSource, partial: PartialBytes, options: DownloadOptions): Promise<boolean> {
  const { signal } = options
  let resumed = false
  let empty = 0
  for (let attempt = 1; ; attempt++) {
    const complete = partial.size > 0 && partial.version?.bytes === partial.size
    if (complete) return true
    const before = partial.size
    let body: SourceBody | undefined
    try {
      body = await source.open({ offset: partial.size, version: partial.version, signal })
      if (body.offset === 0) {
        await partial.reset()
        await partial.remember(body.version)
      }
      resumed = body.offset > 0
      await receive(body, partial, options)
      return resumed
    } catch (error) {
      if (signal.aborted) throw abortReason(signal)
      if (error instanceof AccelerateError && error.code !== "IPFA_MODEL_FETCH") throw error
      empty = body && partial.size > (body.offset === 0 ? 0 : before) ? 0 : empty + 1
      if (!body || empty === MAX_EMPTY || attempt === MAX_ATTEMPTS)
        throw error instanceof AccelerateError
          ? error
          : fail("IPFA_MODEL_FETCH", {
              message: `The model's download was cut off after ${partial.size} bytes; it goes on from there when it is asked for again.`,
              data: { bytes: partial.size },
              cause: error,
            })
    }
  }
}

async function receive(body: SourceBody, partial: PartialBytes, options: DownloadOptions): Promise<void> {
  const { maxBytes, onProgress, reserve, stallMs, signal } = options
  const { total, exact } = body
  if ((total ?? 0) > maxBytes) throw tooLarge(total as number, maxBytes)
  await reserve(exact ? (total as number) : partial.size + STEP_BYTES, partial.size)
  const tell = () =>
    onProgress({
      phase: "download",
      loaded: partial.size,
      ...(total !== undefined && total >= partial.size && { total }),
    })
  tell()
  for await (const chunk of unstalled(body.chunks, stallMs)) {
    if (signal.aborted) throw abortReason(signal)
    const size = partial.size + chunk.byteLength
    if (size > maxBytes) throw tooLarge(size, maxBytes)
    if (exact && size > (total as number)) throw cut("its server sent more than it had announced", partial.size)
    if (!exact) await reserve(Math.ceil(size / STEP_BYTES) * STEP_BYTES, partial.size)
    await partial.append(chunk)
    tell()
  }
  // Where a length may be that of a compressed body, deflate's own overhead (5 bytes in 16 kB) is no loss.
  const slack = exact ? 0 : (total ?? 0) / 1000 + 64
  if (total !== undefined && partial.size < total - slack) throw cut("the connection ended early", partial.size)
  if (partial.size === 0) throw fail("IPFA_MODEL_FETCH", { message: "The model's server answered with no bytes." })
}

function cut(reason: string, bytes: number): Error {
  return fail("IPFA_MODEL_FETCH", { message: `The model could not be downloaded: ${reason}.`, data: { bytes } })
}

function tooLarge(bytes: number, maxBytes: number): Error {
  return fail("IPFA_MODEL_TOO_LARGE", { data: { bytes, maxBytes } })
}

/** The same chunks; throws when none comes for `stallMs`. */
async function* unstalled(chunks: AsyncIterable<Uint8Array>, stallMs: number): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`nothing came for ${stallMs} ms`)), stallMs)
      })
      const next = iterator.next()
      const { done, value } = await Promise.race([next, stalled]).finally(() => clearTimeout(timer))
      if (done) return
      yield value
    }
  } finally {
    // Not awaited: a generator that waits for a chunk that never comes would not return.
    void iterator.return?.()?.catch(() => {})
  }
}
