import { createHash, randomUUID } from "node:crypto"
import { link as hardLink, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Link, LinkStore } from "./byte-store.ts"

/** Links as one small file each; a file appears whole, and of two processes that add the same the first wins. */
export async function folderLinks(dir: string): Promise<LinkStore> {
  const links = join(dir, "links")
  await mkdir(links, { recursive: true, mode: 0o700 })
  const path = (id: string) => join(links, `${createHash("sha256").update(id).digest("hex")}.json`)
  const read = async (file: string): Promise<Link | undefined> => {
    const text = await readFile(file, "utf8").catch(() => undefined)
    try {
      return text === undefined ? undefined : (JSON.parse(text) as Link)
    } catch {
      return undefined
    }
  }
  const write = async (link: Link): Promise<string> => {
    const temporary = join(links, `${randomUUID()}.tmp`)
    await writeFile(temporary, JSON.stringify(link), { mode: 0o600, flush: true })
    return temporary
  }
  return {
    async load() {
      const names = (await readdir(links)).filter((name) => name.endsWith(".json"))
      const all = await Promise.all(names.map((name) => read(join(links, name))))
      return all.filter((link) => link !== undefined)
    },
    get: (id) => read(path(id)),
    async add(link) {
      const temporary = await write(link)
      try {
        await hardLink(temporary, path(link.id))
        return link
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
        const there = await read(path(link.id))
        if (there) return there
        await rename(temporary, path(link.id))
        return link
      } finally {
        await rm(temporary, { force: true })
      }
    },
    async update(link) {
      await rename(await write(link), path(link.id))
    },
    async remove(id) {
      await rm(path(id), { force: true })
    },
  }
}
