import { open, stat } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { asAccelerateError, fail } from "../../protocol/index.ts"
import type { FileClient, Version } from "./resolver.ts"
import { refused } from "./web-reference.ts"

/** Files of this machine, by `file:` URL. */
export const nodeFiles: FileClient = {
  source(url) {
    const path = pathOf(url)
    const look = async (): Promise<Version> => {
      const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") throw fail("IPFA_MODEL_NOT_FOUND", { cause })
        throw asAccelerateError(cause, "IPFA_MODEL_FETCH")
      })
      if (!stats.isFile()) throw fail("IPFA_MODEL_NOT_FOUND", { message: "That is a folder or device, not a model." })
      return { bytes: stats.size, lastModified: String(stats.mtimeMs) }
    }
    return {
      look,
      async open({ signal }) {
        const version = await look()
        return { offset: 0, total: version.bytes, exact: true, version, chunks: read(path, signal) }
      },
    }
  },
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw refused("a file: URL that is a path here: without an escaped slash, and with a drive on Windows")
  }
}

async function* read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw asAccelerateError(cause, "IPFA_MODEL_FETCH")
  })
  try {
    for await (const chunk of file.createReadStream({ signal, highWaterMark: 2 ** 20, autoClose: false })) yield chunk
  } finally {
    await file.close()
  }
}
