import { expect, test } from "vitest"
import { WindowModels } from "../../extension/supervisor/window-models.ts"
import { memoryLibrary } from "../support/pool.ts"
import { codeOf, sha256, someBytes } from "../support/store-cases.ts"

const URL = "https://models.example/a"
const A = "https://a.example"

test("private windows have models of their own, which nobody else has or sees, and which go with the last of these windows", async () => {
  const web = new Map([[URL, someBytes(100)]])
  const kept = memoryLibrary(web)
  const models = new WindowModels(kept, () => memoryLibrary(web))
  const usual = { owner: A }
  const hidden = { owner: A, isPrivate: true }
  expect((await models.acquire(URL, hidden)).stored).toBe(false)
  expect((await models.acquire(URL, hidden)).stored).toBe(true)
  const bytes = someBytes(50, 2)
  const digest = sha256(bytes)
  await models.put(hidden, { uploadId: "u", offset: 0, total: 50, bytes })
  expect((await models.list()).models).toEqual([])
  expect(await models.uploaded(A, digest, true)).toBe(true)
  expect(await models.uploaded(A, digest, false)).toBe(false)
  expect(await codeOf(models.acquire(`sha256:${digest}`, usual))).toBe("IPFA_MODEL_NOT_FOUND")
  // What is kept here does not show there, by the time that it takes.
  await models.put(usual, { uploadId: "u", offset: 0, total: 50, bytes: someBytes(50, 3) })
  expect(await models.uploaded(A, sha256(someBytes(50, 3)), true)).toBe(false)
  models.forgetPrivate()
  expect(await models.uploaded(A, digest, true)).toBe(false)
  expect((await models.acquire(URL, hidden)).stored).toBe(false)
})
