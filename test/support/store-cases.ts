import { createHash } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ByteStore, LinkStore } from "../../engine/store/byte-store.ts"
import { folderStore } from "../../engine/store/folder.ts"
import { folderLinks } from "../../engine/store/folder-links.ts"
import { memoryLinks, memoryStore } from "../../engine/store/memory.ts"

export interface StoreCase {
  name: string
  /** Opens the same place again and again, as a restarted process would. */
  open(): Promise<{ store: ByteStore; links: LinkStore }>
  remove(): Promise<void>
}

/** A fresh place of each kind that Node can open. */
export const storeCases: { name: string; make: () => Promise<StoreCase> }[] = [
  {
    name: "memory",
    make: async () => {
      const parts = { store: memoryStore(), links: memoryLinks() }
      return { name: "memory", open: async () => parts, remove: async () => {} }
    },
  },
  {
    name: "folder",
    make: async () => {
      const dir = await mkdtemp(join(tmpdir(), "ipfa store "))
      return {
        name: "folder",
        open: async () => ({ store: await folderStore(dir), links: await folderLinks(dir) }),
        remove: () => rm(dir, { recursive: true, force: true }),
      }
    },
  },
]

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

/** Bytes that differ by `seed`, without a period. */
export function someBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let x = seed * 2654435761
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    bytes[i] = x >>> 24
  }
  return bytes
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error) => error?.code ?? String(error),
  )
}

/** Tells when a download has come to an offset: a client drops what it has not read yet when its connection is cut. */
export function milestones() {
  const waiting: { offset: number; reached: () => void }[] = []
  return {
    onProgress: ({ loaded }: { loaded: number }) => {
      for (const { offset, reached } of waiting) if (loaded >= offset) reached()
    },
    at: (offset: number) => new Promise<void>((reached) => waiting.push({ offset, reached })),
  }
}
