/// <reference types="vite/types/importMeta.d.ts" />

interface ImportMetaEnv {
  /** package.json's version. */
  readonly IPFA_VERSION: string
  /** Whether this build is Firefox's; set by WXT. */
  readonly FIREFOX: boolean
  readonly SAFARI: boolean
}

/** A worker's bundle, by its URL. */
declare module "*?worker&url" {
  const url: string
  export default url
}

declare module "*.css" {}
