/** The backends a browser has: a page names them, and loads the code of none. */
export const browserBackendNames = ["webgpu", "wgsl", "webnn", "wasm"] as const
export type BrowserBackendName = (typeof browserBackendNames)[number]

/** Whether it computes with kernels that have several ways to choose from. */
export const isTunable = (backend: string): boolean => backend === "wgsl"
