import { type Peer, type StoredModel, UPLOAD_PART_BYTES } from "../../protocol/index.ts"
import { saveFile } from "./save-file.ts"
import { modelName } from "./words.ts"

/** Is told how many bytes are done. */
type Tell = (bytes: number) => void

/** Saves a stored model as a file, and gives its name. */
export async function exportModel(peer: Peer, { sha256, references }: StoredModel, tell: Tell): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let done = 0
  await peer.call(
    "model.read",
    { sha256 },
    {
      onEvent: ({ bytes }) => {
        parts.push(bytes as (typeof parts)[number])
        done += bytes.byteLength
        tell(done)
      },
    },
  )
  const name = modelName(references, sha256)
  const file = /^[\w.-]+\.onnx$/.test(name) ? name : `${sha256.slice(0, 16)}.onnx`
  saveFile(file, new Blob(parts, { type: "application/octet-stream" }))
  return file
}

/** Stores a file's model for every site that may name it by its SHA-256, and gives its reference. */
export async function importModel(peer: Peer, file: File, tell: Tell): Promise<string> {
  const uploadId = crypto.randomUUID()
  // An empty file is refused like any that is no model.
  for (let offset = 0; ; offset += UPLOAD_PART_BYTES) {
    const bytes = new Uint8Array(await file.slice(offset, offset + UPLOAD_PART_BYTES).arrayBuffer())
    const { received, reference } = await peer.call("model.put", { uploadId, offset, total: file.size, bytes })
    if (reference !== undefined) return reference
    tell(received)
  }
}
