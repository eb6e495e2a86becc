import { openDB } from "idb"
import { idbSettings } from "../../engine/agent/settings.ts"
import { type BrowserLibraryOptions, browserLibrary } from "../../engine/store/browser.ts"
import { openVersioned, type Step } from "../../engine/store/open-versioned.ts"
import { idbGrants } from "../../extension/gate/grant-store.ts"
import type { StoredGrant } from "../../extension/gate/terms.ts"
import { eraseIfAsked, eraseOnRestart } from "../../extension/supervisor/erase.ts"
import { RowLog } from "../../extension/supervisor/row-log.ts"
import { type Progress, serialiseError } from "../../protocol/index.ts"

/** What the store's tests ask a real page to do. */
const owner = { owner: "https://a.example" }
const hex = (bytes: Uint8Array) => Array.from(bytes.slice(0, 8), (b) => b.toString(16).padStart(2, "0")).join("")
let kept: { key: string; library: ReturnType<typeof browserLibrary> } | undefined

/** The same library for the same options, as one process has. */
function library(options: BrowserLibraryOptions) {
  const key = JSON.stringify(options)
  if (kept?.key !== key) kept = { key, library: browserLibrary({ storage: "opfs", ...options }) }
  return kept.library
}

const store = {
  /** Opens a database whose history has that many steps, the second of which adds a field; what it then holds, or why it can't be opened. */
  async versioned(name: string, versions: number, { stuck = false } = {}) {
    type Thing = { id: number; colour?: string }
    const steps: Step<unknown>[] = [
      (db) => db.createObjectStore("things", { keyPath: "id" }).put({ id: 1 }),
      async (_, tx) => {
        const things = tx.objectStore("things")
        for (const thing of (await things.getAll()) as Thing[]) await things.put?.({ ...thing, colour: "red" })
        Object.assign(window, { isChanging: true })
        // Alive, and never at its end.
        while (stuck) await things.get(1)
      },
    ]
    try {
      const db = await openVersioned(name, steps.slice(0, versions))
      const held = (await db.getAll("things")) as Thing[]
      db.close()
      return held
    } catch (error) {
      return serialiseError(error).code
    }
  },
  /** Keeps `value` as a setting and in a grant, one after the other: why each could not be. */
  async keep(name: string, value: string): Promise<(string | undefined)[]> {
    const grant = { origin: "https://a.example", models: [value] } as unknown as StoredGrant
    const why = (work: Promise<void>) => work.then(() => undefined).catch((error) => serialiseError(error).code)
    return [
      await why(idbSettings(`${name} settings`).set("agent", value)),
      await why(idbGrants(`${name} grants`).put(grant)),
    ]
  },
  async kept(name: string): Promise<unknown[]> {
    const grants = await idbGrants(`${name} grants`).all()
    return [await idbSettings(`${name} settings`).get("agent"), ...grants.flatMap(({ models }) => models)]
  },
  /** Names of the databases that begin so. */
  async databases(start: string): Promise<string[]> {
    return (await indexedDB.databases()).flatMap(({ name = "" }) => (name.startsWith(start) ? [name] : [])).sort()
  },
  /** Makes a copy as a migration does, at a time, ms since 1970. */
  async copied(name: string, at: number): Promise<void> {
    ;(await openDB(name, at)).close()
  },
  /** Pairs, and ends the pairing. */
  async unpair(name: string): Promise<void> {
    const settings = idbSettings(name)
    await settings.set("agent", "some")
    await settings.set("bridge", "left")
  },
  /** Every record of every store of a database, as it is. */
  async records(name: string): Promise<unknown[]> {
    const db = await openDB(name)
    const held = await Promise.all([...db.objectStoreNames].map((store) => db.getAll(store)))
    db.close()
    return held.flat()
  },
  async code(url: string, options: BrowserLibraryOptions): Promise<string | undefined> {
    return library(options)
      .acquire(url, owner)
      .then(
        () => undefined,
        (error) => error.code ?? String(error),
      )
  },
  /** Acquires and reads: what came, its first bytes, and each progress. */
  async load(url: string, options: BrowserLibraryOptions, abortAt?: number) {
    const seen: Progress[] = []
    const abort = new AbortController()
    const onProgress = (progress: Progress) => {
      seen.push(progress)
      void (window as { reached?: (progress: Progress) => void }).reached?.(progress)
      if (abortAt !== undefined && progress.loaded >= abortAt) abort.abort()
    }
    try {
      const model = await library(options).acquire(url, owner, { onProgress, signal: abort.signal })
      const bytes = await model.read()
      return { sha256: model.sha256, stored: model.stored, bytes: bytes.byteLength, head: hex(bytes), seen }
    } catch (error) {
      return { code: (error as { code?: string }).code ?? String(error), seen }
    }
  },
  async upload(bytes: number[], options: BrowserLibraryOptions) {
    const part = { uploadId: "u", offset: 0, total: bytes.length, bytes: Uint8Array.from(bytes) }
    return library(options).put(owner, part)
  },
  /** The first part of an upload of `total` bytes, which nothing follows. */
  beginUpload: (bytes: number, total: number, options: BrowserLibraryOptions) =>
    library(options).put(owner, { uploadId: "begun", offset: 0, total, bytes: new Uint8Array(bytes) }),
  list: (options: BrowserLibraryOptions) => library(options).list(),
  delete: (sha256: string, options: BrowserLibraryOptions) => library(options).delete(sha256),
  deleteAll: (options: BrowserLibraryOptions) => library(options).deleteAll(),
  /** Notes `lines` of a model where they are given; what is noted of it, by name. */
  async noted(url: string, options: BrowserLibraryOptions, lines?: string[]) {
    const { notes } = await library(options).acquire(url, owner)
    if (lines) await notes!.set("lines", lines)
    return { lines: await notes!.get("lines"), other: await notes!.get("other") }
  },
  /** Overwrites what is stored. */
  async damage(name: string) {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(name)
    for await (const folder of root.values()) {
      const file = await (folder as FileSystemDirectoryHandle).getFileHandle("0")
      const writable = await file.createWritable()
      await writable.write(new Uint8Array(10))
      await writable.close()
    }
  },
  /** Bytes in closed parts. */
  async bytes(name: string) {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true })
    let sum = 0
    for await (const folder of root.values())
      for await (const file of (folder as FileSystemDirectoryHandle).values())
        if (/^\d+$/.test(file.name)) sum += (await (file as FileSystemFileHandle).getFile()).size
    return sum
  },
  /** Names of the folders in the store. */
  async folders(name: string) {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(name)
    const names: string[] = []
    for await (const folder of root.keys()) names.push(folder)
    return names
  },
}

const { add, put } = IDBObjectStore.prototype
const failure = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "error") as PropertyDescriptor

/** A disk on which no transaction that puts something can be ended. */
const disk = {
  fill(): void {
    IDBObjectStore.prototype.put = function (...what) {
      const request = put.apply(this, what)
      request.addEventListener("success", () => this.transaction.abort())
      return request
    }
    const get = () => new DOMException("Encountered full disk while committing transaction.", "QuotaExceededError")
    Object.defineProperty(IDBTransaction.prototype, "error", { ...failure, get })
  },
  free(): void {
    IDBObjectStore.prototype.put = put
    Object.defineProperty(IDBTransaction.prototype, "error", failure)
  },
}

/** A log of rows, and a disk that is full: Chromium sees to a page's share of it in files alone, so writing ends here as it does there. */
const logs = {
  fill(): void {
    IDBObjectStore.prototype.add = function (row) {
      const request = add.call(this, row)
      this.transaction.abort()
      return request
    }
  },
  free(): void {
    IDBObjectStore.prototype.add = add
  },
  log: undefined as RowLog<{ row: number }> | undefined,
  add(row: number): void {
    this.log ??= new RowLog("row-log", 3)
    this.log.add({ row })
  },
  async rows(): Promise<number[]> {
    return ((await this.log?.all()) ?? []).map(({ row }) => row)
  },
}

/** Deletes all that this address keeps, as the extension does. */
const erasing = {
  /** What stayed, once this page has begun. */
  left: undefined as string[] | undefined,
  begin(): void {
    erasing.left = undefined
    setTimeout(eraseOnRestart)
  },
  /** Has a file open for writing for as long as this page lives. */
  async hold(folder: string): Promise<void> {
    const root = await navigator.storage.getDirectory()
    const file = await (await root.getDirectoryHandle(folder, { create: true })).getFileHandle("0", { create: true })
    Object.assign(window, { held: await file.createWritable() })
  },
  async kept(): Promise<string[]> {
    const root = await navigator.storage.getDirectory()
    return [...(await store.databases("")), ...(await Array.fromAsync(root.keys())), ...(await caches.keys())]
  },
}
/** Stands for what the browser keeps elsewhere, which goes unless the page's name says so: that stays through its starts. */
const forget = async () => {
  if (window.name === "stuck") throw new Error("no room to write that it is gone")
}
void eraseIfAsked(forget).then((left) => {
  erasing.left = left
})

export type StorePage = typeof store
export type RowLogs = typeof logs
export type Disk = typeof disk
export type Erasing = typeof erasing
Object.assign(window, { store, logs, disk, erasing })
