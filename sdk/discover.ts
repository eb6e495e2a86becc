import { ANNOUNCE_EVENT, REQUEST_EVENT } from "../protocol/discovery.ts"
import type { IpfsAccelerate } from "./types.ts"

/** The extension's API, whichever of page and extension is there first; undefined where it does not announce itself within `waitMs`. */
export function findExtension(waitMs: number): Promise<IpfsAccelerate | undefined> {
  const page = globalThis as unknown as { window?: Window & { ipfsAccelerate?: IpfsAccelerate } }
  const { window } = page
  if (!window?.isSecureContext) return Promise.resolve(undefined)
  if (window.ipfsAccelerate) return Promise.resolve(window.ipfsAccelerate)
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      window.removeEventListener(ANNOUNCE_EVENT, done)
      // Not the event's detail: what stands at `window` is what every other script of the page uses.
      resolve(window.ipfsAccelerate)
    }
    const timer = setTimeout(done, waitMs)
    window.addEventListener(ANNOUNCE_EVENT, done)
    window.dispatchEvent(new CustomEvent(REQUEST_EVENT))
  })
}
