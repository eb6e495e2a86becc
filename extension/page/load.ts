import { hex } from "../../protocol/bytes.ts"
import { fail } from "../../protocol/errors/error.ts"
import type { Bringing } from "../../sdk/accelerator.ts"

/**
 * A model that the extension may not fetch (from this machine, or without CORS for everybody) is fetched by the page, which may read what its
 * own origin may, and brought to the pool as its upload.
 */
export const bringForPage: Bringing = (use) => async (model, options) => {
  const url = typeof model === "string" && URL.parse(model, document.baseURI)
  if (!url) return use(model, options)
  if (url.protocol === "http:") return use(await fetchHere(url, options?.signal), options)
  try {
    return await use(model, options)
  } catch (error) {
    const { code } = error as { code?: string }
    if (url.protocol !== "https:" || !/^IPFA_MODEL_(FETCH|ADDRESS)$/.test(code as string)) throw error
    const here = await fetchHere(url, options?.signal).catch((e: { code?: string }) => {
      throw e.code === "IPFA_MODEL_DIGEST" ? e : error
    })
    return use(here, options)
  }
}

async function fetchHere(url: URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw fail(signal?.aborted ? "IPFA_JOB_CANCELLED" : "IPFA_MODEL_FETCH", {
      message: `The model could not be fetched from ${url.host}.`,
      cause,
    })
  })
  if (!response.ok)
    throw fail(response.status === 404 ? "IPFA_MODEL_NOT_FOUND" : "IPFA_MODEL_FETCH", {
      message: `${url.href} answered ${response.status}.`,
      data: { status: response.status },
    })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const pin = url.hash.toLowerCase()
  if (/^#sha256=[0-9a-f]{64}$/.test(pin) && pin !== `#sha256=${hex(await sha256(bytes))}`)
    throw fail("IPFA_MODEL_DIGEST", { message: `${url.href} gave other bytes than its SHA-256 names.` })
  return bytes
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
}
