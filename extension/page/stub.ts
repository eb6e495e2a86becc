import { ANNOUNCE_EVENT, FEATURES, REQUEST_EVENT } from "../../protocol/discovery.ts"
import { PROTOCOL_VERSION } from "../../protocol/version.ts"
import { HAS_BACKGROUND_PAGE } from "../background-page.ts"
import { FAILED_EVENT, HERE_EVENT, LOAD_EVENT, LOST_EVENT, PAGE_SLOT } from "../messages.ts"

type Api = Record<string, (...args: unknown[]) => Promise<unknown>>

const METHODS = ["enable", "hardware", "load", "accelerate", "benchmark", "status"]

/** How often the content script is looked for, ms. */
const LOOK_MS = 2000

/** Puts `window.ipfsAccelerate` in place. Each method brings in the page script on the first call of any, and is that script's from then on. */
export function installStub(): void {
  const page = window as unknown as { ipfsAccelerate?: object }
  // Neither a page without TLS nor one whose origin is opaque could be granted anything.
  if (!isSecureContext || origin === "null" || page.ipfsAccelerate) return
  let loading: Promise<Api> | undefined
  let loaded: ((api: Api) => void) | undefined
  let isWatched = false
  const load = () => {
    // Chromium tells the content script, and leaves it there.
    if (HAS_BACKGROUND_PAGE && !isWatched) {
      isWatched = true
      watchLink()
    }
    loading ??= new Promise<Api>((resolve, reject) => {
      loaded = resolve
      document.addEventListener(
        FAILED_EVENT,
        (event) => {
          loading = undefined
          const code = (event as CustomEvent<string>).detail
          reject(Object.assign(new Error("The extension can't be reached. Reload the page."), { code, data: {} }))
        },
        { once: true },
      )
      document.dispatchEvent(new CustomEvent(LOAD_EVENT))
    })
    return loading
  }
  const api: Record<PropertyKey, unknown> = {
    version: import.meta.env.IPFA_VERSION,
    protocolVersion: PROTOCOL_VERSION,
    features: FEATURES,
  }
  for (const name of METHODS) api[name] = async (...args: unknown[]) => (await load())[name]?.(...args)
  Object.defineProperty(api, PAGE_SLOT, { value: (ready: Api) => loaded?.(ready) })
  Object.freeze(api)
  Object.defineProperty(window, "ipfsAccelerate", { value: api, configurable: true, enumerable: true })
  const announce = () => window.dispatchEvent(new CustomEvent(ANNOUNCE_EVENT, { detail: api }))
  window.addEventListener(REQUEST_EVENT, announce)
  announce()
}

/** Content scripts end with their extension, and nobody is told: neither who has a connection through one, nor who asks for one. */
function watchLink(): void {
  let missed = 0
  setInterval(() => {
    const isThere = !document.dispatchEvent(new CustomEvent(HERE_EVENT, { cancelable: true }))
    missed = isThere ? 0 : missed + 1
    // In the middle of an update there is none for a moment.
    if (missed < 2) return
    document.dispatchEvent(new CustomEvent(LOST_EVENT))
    document.dispatchEvent(new CustomEvent(FAILED_EVENT, { detail: "IPFA_EXTENSION_UPDATED" }))
  }, LOOK_MS)
}
