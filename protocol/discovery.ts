/**
 * How a page and the extension find each other, whichever is there first: the extension puts its API at `window.ipfsAccelerate` and
 * dispatches ANNOUNCE_EVENT on `window` with the API as `detail`; a page that came later dispatches REQUEST_EVENT and is announced to again.
 */
export const REQUEST_EVENT = "ipfs-accelerate:request"
export const ANNOUNCE_EVENT = "ipfs-accelerate:announce"

/** What the API can do, for a page that wants to know before it calls. */
export const FEATURES = ["infer", "benchmark", "kept-tensors", "upload"] as const
