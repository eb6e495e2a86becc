import { type NodeHttpOptions, nodeHttp } from "../resolve/http-node.ts"
import { nodeFiles } from "../resolve/node-files.ts"
import { folderStore } from "./folder.ts"
import { folderLinks } from "./folder-links.ts"
import { type LibraryOptions, ModelLibrary } from "./library.ts"

export interface NodeLibraryOptions extends Partial<LibraryOptions>, NodeHttpOptions {
  /** The folder, made when first needed. Several processes may use the same. */
  dir: string
  /** http and https on loopback are allowed: development servers and tests. */
  allowLoopback?: boolean
  /** `file:` references are allowed to the person's own programs (owner `owner`). */
  allowFile?: boolean
}

export const NODE_QUOTA_BYTES = 64 * 2 ** 30

/** Models in a folder. */
export function nodeLibrary(options: NodeLibraryOptions): ModelLibrary {
  const { dir, allowLoopback = false, allowFile = false, lookup, ...rest } = options
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return new ModelLibrary(
    async () => ({ store: await folderStore(dir), links: await folderLinks(dir) }),
    { http: nodeHttp({ ...(lookup && { lookup }) }), allowLoopback, ...(allowFile && { files: nodeFiles }) },
    { quotaBytes: NODE_QUOTA_BYTES, ...given },
  )
}
