import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { bytes, count, id, modelReference, ms, name, sha256 } from "./shared.ts"

/** Bytes of one part of an upload, at most. */
export const UPLOAD_PART_BYTES = 16 * 2 ** 20

export const putModel = defineMethod({
  name: "model.put",
  title: "Uploads a model by parts, in order; it belongs to the caller's origin alone.",
  grant: "infer",
  params: v.object({
    uploadId: id,
    offset: count,
    total: count,
    bytes: v.pipe(
      bytes,
      v.check((b) => b.byteLength <= UPLOAD_PART_BYTES, `at most ${UPLOAD_PART_BYTES} bytes a part`),
    ),
  }),
  /** `reference` comes with the last part. */
  result: v.object({ received: count, reference: v.optional(modelReference) }),
  errors: ["IPFA_MODEL_UPLOAD", "IPFA_MODEL_TOO_LARGE", "IPFA_MODEL_INVALID", "IPFA_STORE_QUOTA"],
})

export const storedModel = v.object({
  sha256,
  bytes: count,
  /** References that led to these bytes. */
  references: v.array(modelReference),
  /** Origins whose upload it is; empty for one that is shared by reference. */
  owners: v.array(name),
  /** Who brought it first under each of its references: it counts as theirs. */
  broughtBy: v.array(name),
  pinned: v.boolean(),
  addedAt: ms,
  usedAt: ms,
})
export type StoredModel = v.InferOutput<typeof storedModel>

export const listModels = defineMethod({
  name: "model.list",
  title: "Lists the stored models.",
  grant: "owner",
  params: v.object({}),
  result: v.object({ models: v.array(storedModel), usedBytes: count, quotaBytes: count }),
  errors: [],
})

export const deleteModel = defineMethod({
  name: "model.delete",
  title: "Deletes a stored model.",
  grant: "owner",
  params: v.object({ sha256 }),
  result: v.object({ deleted: v.boolean() }),
  errors: [],
})

export const clearModels = defineMethod({
  name: "model.clear",
  title: "Deletes what an origin uploaded or was the first to bring; a model that another brought as well stays.",
  grant: "owner",
  params: v.object({ origin: name }),
  result: v.object({ deleted: count }),
  errors: [],
})

export const readModel = defineMethod({
  name: "model.read",
  title: "Gives a stored model's bytes, verified, by parts in order.",
  grant: "owner",
  params: v.object({ sha256 }),
  result: v.object({ bytes: count }),
  event: v.object({ bytes }),
  errors: ["IPFA_MODEL_NOT_FOUND", "IPFA_STORE_CORRUPT"],
})
