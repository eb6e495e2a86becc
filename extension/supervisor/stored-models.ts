import type { Caller } from "../../engine/caller.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
import type { Handlers } from "../../protocol/index.ts"

/** Bytes of one part that is read: as large as a message between extension pages carries well. */
const PART_BYTES = 8 * 2 ** 20

/** What the person does with stored models: takes them out, brings them in for every site that may name them, deletes them by site. */
export function storedModelHandlers(models: ModelLibrary, changed: () => void): Handlers<Caller> {
  return {
    "model.put": async (part) => {
      const put = await models.put({ owner: "owner", shares: true }, part)
      if (put.reference) changed()
      return put
    },
    "model.read": async ({ sha256 }, { emit }) => {
      const bytes = await models.read(sha256)
      for (let at = 0; at < bytes.byteLength; at += PART_BYTES) await emit({ bytes: bytes.slice(at, at + PART_BYTES) })
      return { bytes: bytes.byteLength }
    },
    "model.clear": async ({ origin }) => {
      const deleted = await models.clear(origin)
      changed()
      return { deleted }
    },
  }
}
