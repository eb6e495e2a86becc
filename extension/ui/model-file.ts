import { type Peer, type StoredModel, UPLOAD_PART_BYTES } from "../../protocol/index.ts"
import { saveFile } from "./save-file.ts"
import { modelName } from "./words.ts"

/** Saves a stored model as a file. */
export async function exportModel(peer: Peer, { sha256, references }: StoredModel): Promise<void> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  await peer.call(
    "model.read",
    { sha256 },
    { onEvent: ({ bytes }) => void parts.push(bytes as (typeof parts)[number]) },
  )
  const name = modelName(references, sha256)
  const file = /^[\w.-]+\.onnx$/.test(name) ? name : `${sha256.slice(0, 16)}.onnx`
  saveFile(file, new Blob(parts, { type: "application/octet-stream" }))
}

/** Stores a file's model for every site that may name it by its SHA-256. */
export async function importModel(peer: Peer, file: File): Promise<void> {
  const uploadId = crypto.randomUUID()
  // An empty file is refused like any that is no model.
  for (let offset = 0; offset === 0 || offset < file.size; offset += UPLOAD_PART_BYTES) {
    const bytes = new Uint8Array(await file.slice(offset, offset + UPLOAD_PART_BYTES).arrayBuffer())
    await peer.call("model.put", { uploadId, offset, total: file.size, bytes })
  }
}
