import { asAccelerateError, fail } from "../protocol/errors/error.ts"
import { findExtension } from "./discover.ts"
import { fromExtension } from "./from-extension.ts"
import { type InPageOptions, inPageAccelerator } from "./in-page.ts"
import type { IpfsAccelerate } from "./types.ts"

export interface CreateOptions extends InPageOptions {
  /** Only that one, or it fails; the extension first where absent. */
  via?: "extension" | "page"
  /** How long to wait for the extension to announce itself, ms; default 250. It is there before the page's scripts, unless it was just installed. */
  waitMs?: number
}

export interface Accelerator extends IpfsAccelerate {
  /** What computes: the person's extension, or the engine in the page. */
  readonly via: "extension" | "page"
  /** Where `via` is `page`: why the extension was not used. */
  readonly reason?: string
}

/** The extension where there is one, else the engine in the page. Throws IPFA_EXTENSION_ABSENT where there is neither, with the reason. */
export async function createAccelerator(options: CreateOptions = {}): Promise<Accelerator> {
  const { via, waitMs = 250 } = options
  if (typeof location === "undefined")
    throw fail("IPFA_EXTENSION_ABSENT", {
      message: "There is no page here. In Node use connect(), with a bridge-server.",
    })
  const extension = via === "page" ? undefined : await findExtension(waitMs)
  if (extension) return Object.assign(fromExtension(extension), { via: "extension" as const })
  if (via === "extension") throw fail("IPFA_EXTENSION_ABSENT")
  const reason =
    via === "page"
      ? "the engine in the page was asked for"
      : globalThis.isSecureContext
        ? `no extension announced itself within ${waitMs} ms`
        : "the extension serves secure contexts (https, localhost) only"
  try {
    return Object.assign(await inPageAccelerator(options), { via: "page" as const, reason })
  } catch (error) {
    const e = asAccelerateError(error)
    e.data.extension = reason
    throw e
  }
}
