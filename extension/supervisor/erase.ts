const MARK = "ipfs-accelerate:erase"

/** Has the document start anew, and delete all that the extension keeps before it opens any of it: what is open can't be deleted. */
export function eraseOnRestart(): void {
  sessionStorage.setItem(MARK, "1")
  location.reload()
}

/** Where that was asked for. Whoever keeps something in this browser's storage need not be known by name. */
export async function eraseIfAsked(): Promise<void> {
  if (!sessionStorage.getItem(MARK)) return
  for (const { name } of await indexedDB.databases()) if (name) await deleteDatabase(name)
  const files = await navigator.storage.getDirectory()
  const names: string[] = []
  for await (const name of files.keys()) names.push(name)
  for (const name of names) await files.removeEntry(name, { recursive: true })
  for (const name of await caches.keys()) await caches.delete(name)
  localStorage.clear()
  sessionStorage.clear()
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}
