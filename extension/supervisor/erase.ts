import type { BridgeLink } from "../../engine/agent/bridge-link.ts"
import type { Gate } from "../gate/gate.ts"

/** How often it was tried, while the document starts anew for that. */
const MARK = "ipfs-accelerate:erase"
/** What something of the extension was just letting go of is free by the next time. */
const TRIES = 3
/** How long others may have a database open, ms. */
const BLOCKED_MS = 5000

/** Ends what runs for sites and the bridge, and deletes everything. What a full disk does not let be written of that is deleted with the rest. */
export async function eraseAll(gate: Gate, bridge: BridgeLink): Promise<void> {
  const ended = gate.list().map(({ origin }) => gate.revoke(origin))
  await Promise.allSettled([...ended, bridge.forget()])
  // Whoever asked hears of it first.
  setTimeout(eraseOnRestart)
}

/** Has the document start anew, and delete all that the extension keeps before it opens any of it: what is open can't be deleted. */
export function eraseOnRestart(tries = 0): void {
  sessionStorage.setItem(MARK, String(tries))
  location.reload()
}

/**
 * Deletes all where that was asked for: whoever keeps something in this browser's storage need not be known by name. What can't be deleted is
 * tried again, each time in a new start; the names of what stays after the last are given. `forget` deletes what is kept elsewhere.
 */
export async function eraseIfAsked(forget: () => Promise<void>): Promise<string[]> {
  const tries = sessionStorage.getItem(MARK)
  if (tries === null) return []
  const left = await erase(forget)
  if (left.length > 0 && Number(tries) + 1 < TRIES) {
    eraseOnRestart(Number(tries) + 1)
    // This life ends.
    return new Promise(() => {})
  }
  localStorage.clear()
  sessionStorage.clear()
  return left
}

interface Kept {
  what: string
  names(): Promise<string[]>
  remove(name: string): Promise<unknown>
}

const kept: readonly Kept[] = [
  {
    what: "IndexedDB",
    names: async () => (await indexedDB.databases()).flatMap(({ name }) => name ?? []),
    remove: deleteDatabase,
  },
  {
    what: "files",
    names: async () => Array.fromAsync((await navigator.storage.getDirectory()).keys()),
    remove: async (name) => (await navigator.storage.getDirectory()).removeEntry(name, { recursive: true }),
  },
  { what: "caches", names: () => caches.keys(), remove: (name) => caches.delete(name) },
]

/** Each by itself, so that one that can't be deleted keeps none of the others. Gives what is left. */
async function erase(forget: () => Promise<void>): Promise<string[]> {
  const left: string[] = []
  await forget().catch(() => left.push("storage.local"))
  for (const { what, names, remove } of kept) {
    const found = await names().catch(() => {
      left.push(what)
      return []
    })
    for (const name of found) await remove(name).catch(() => left.push(name))
  }
  return left
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
    request.onblocked = () => setTimeout(reject, BLOCKED_MS)
  })
}
