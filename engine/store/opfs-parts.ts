/** The closed parts of a folder, in order. */
export async function partFiles(root: FileSystemDirectoryHandle, dir: string): Promise<File[]> {
  const folder = await root.getDirectoryHandle(dir, { create: true })
  const files: File[] = []
  for await (const [name, handle] of folder.entries()) {
    // What createWritable has not closed yet has a name of its own in some browsers.
    if (handle.kind === "file" && /^\d+$/.test(name))
      files[Number(name)] = await (handle as FileSystemFileHandle).getFile()
  }
  // A gap ends it.
  const gap = Array.from(files).indexOf(undefined as unknown as File)
  return gap === -1 ? files : files.slice(0, gap)
}

export async function readParts(root: FileSystemDirectoryHandle, dir: string): Promise<Uint8Array[]> {
  const files = await partFiles(root, dir)
  return Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())))
}
