/** All that the extension keeps in this browser: rows of its databases, names of its files and of its caches, settings. To be run in one of its own pages. */
export async function kept(): Promise<{ rows: string[]; files: string[]; caches: string[]; settings: object }> {
  // What it needs comes with it: it travels as its text.
  const rows: string[] = []
  for (const { name = "" } of await indexedDB.databases()) {
    const db = await new Promise<IDBDatabase | undefined>((resolve) => {
      const request = indexedDB.open(name)
      // It was deleted meanwhile, and must not come back without its stores.
      request.onupgradeneeded = () => request.transaction?.abort()
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => resolve(undefined)
    })
    if (!db) continue
    for (const store of db.objectStoreNames) {
      const held = await new Promise<unknown[]>((resolve) => {
        const request = db.transaction(store).objectStore(store).getAll()
        request.onsuccess = () => resolve(request.result)
      })
      rows.push(...held.map((row) => `${name} ${store} ${JSON.stringify(row)}`))
    }
    db.close()
  }
  const files: string[] = []
  const walk = async (folder: FileSystemDirectoryHandle) => {
    for await (const [name, handle] of folder.entries())
      if (handle.kind === "file") files.push(name)
      else await walk(handle as FileSystemDirectoryHandle)
  }
  await walk(await navigator.storage.getDirectory())
  // Firefox gives promises under its own name only.
  const { browser = chrome } = globalThis as { browser?: typeof chrome }
  return { rows, files, caches: await caches.keys(), settings: await browser.storage.local.get(null) }
}
