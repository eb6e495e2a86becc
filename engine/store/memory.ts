import { joinBytes } from "../../protocol/index.ts"
import type { Version } from "../resolve/resolver.ts"
import type { ByteStore, Link, LinkStore, PartialBytes } from "./byte-store.ts"
import { sha256Hex } from "./digest.ts"

interface MemoryBlob {
  data: Uint8Array<ArrayBuffer>
  addedAt: number
  usedAt: number
  notes: Map<string, string[]>
}

interface MemoryPartial {
  key: string
  parts: Uint8Array[]
  version: Version | undefined
  usedAt: number
  open: boolean
}

/** A store in memory: for tests, and for pages without storage. Lives as long as this object. */
export function memoryStore(): ByteStore {
  const blobs = new Map<string, MemoryBlob>()
  const partials = new Map<string, MemoryPartial>()
  let nextId = 1
  const size = (partial: MemoryPartial) => partial.parts.reduce((sum, part) => sum + part.byteLength, 0)

  function handle(id: string, partial: MemoryPartial, resumable: boolean): PartialBytes {
    partial.open = true
    const end = () => {
      partial.open = false
      partials.delete(id)
    }
    return {
      get size() {
        return size(partial)
      },
      get version() {
        return partial.version
      },
      async remember(version) {
        partial.version = version
      },
      async append(bytes) {
        partial.parts.push(bytes.slice())
        partial.usedAt = Date.now()
      },
      async flush() {},
      async reset() {
        partial.parts = []
      },
      digest: () => sha256Hex(joinBytes(partial.parts)),
      async commit(sha256) {
        end()
        const now = Date.now()
        if (!blobs.has(sha256))
          blobs.set(sha256, { data: joinBytes(partial.parts), addedAt: now, usedAt: now, notes: new Map() })
      },
      async release() {
        partial.open = false
        if (!resumable) partials.delete(id)
      },
      async discard() {
        end()
      },
    }
  }

  return {
    async list() {
      return [...blobs].map(([sha256, { data, addedAt, usedAt }]) => ({
        sha256,
        bytes: data.byteLength,
        addedAt,
        usedAt,
      }))
    },
    async stat(sha256) {
      const blob = blobs.get(sha256)
      return blob && { bytes: blob.data.byteLength }
    },
    async read(sha256) {
      return blobs.get(sha256)?.data.slice()
    },
    async digest(sha256) {
      const blob = blobs.get(sha256)
      return blob && sha256Hex(blob.data)
    },
    notes: (sha256) => ({
      get: async (name) => blobs.get(sha256)?.notes.get(name),
      set: async (name, lines) => void blobs.get(sha256)?.notes.set(name, lines),
    }),
    async touch(sha256) {
      const blob = blobs.get(sha256)
      if (blob) blob.usedAt = Date.now()
    },
    async delete(sha256) {
      return blobs.delete(sha256)
    },
    async openPartial(key, { resumable = true } = {}) {
      const found = resumable ? [...partials].find(([, partial]) => partial.key === key && !partial.open) : undefined
      if (found) return handle(found[0], found[1], true)
      const id = String(nextId++)
      const partial: MemoryPartial = { key, parts: [], version: undefined, usedAt: Date.now(), open: true }
      partials.set(id, partial)
      return handle(id, partial, resumable)
    },
    async abandoned() {
      return [...partials]
        .filter(([, partial]) => !partial.open)
        .map(([id, partial]) => ({ id, bytes: size(partial), usedAt: partial.usedAt }))
    },
    async deletePartial(id) {
      if (!partials.get(id)?.open) partials.delete(id)
    },
  }
}

export function memoryLinks(): LinkStore {
  const links = new Map<string, Link>()
  return {
    async load() {
      return [...links.values()].map((link) => ({ ...link }))
    },
    async get(id) {
      const link = links.get(id)
      return link && { ...link }
    },
    async add(link) {
      const there = links.get(link.id)
      if (!there) links.set(link.id, { ...link })
      return there ?? link
    },
    async update(link) {
      links.set(link.id, { ...link })
    },
    async remove(id) {
      links.delete(id)
    },
  }
}
