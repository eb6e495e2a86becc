/** The backends a browser has: a page names them, and loads the code of none. */
export const browserBackendNames = ["webgpu", "wgsl", "webnn", "wasm"] as const
export type BrowserBackendName = (typeof browserBackendNames)[number]
