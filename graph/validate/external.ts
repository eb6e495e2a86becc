import type { TensorProto } from "../generated/onnx_pb.js"
import { invalid, quoted } from "../refuse.ts"

/** What a model may refer to outside its file: names relative to it, and how many bytes each has. */
export type ExternalData = ReadonlyMap<string, number>

/** ONNX Runtime takes this as the address of memory in its own process, so a file that names it reads what it likes. */
const MEMORY_MARKER = "_ORT_MEM_ADDR_"
const KEYS = new Set(["location", "offset", "length", "checksum"])

/** Why `name` is no plain path below the model's folder, or undefined where it is one. Judged by text alone: no file system is asked. */
export function externalNameFault(name: string): string | undefined {
  if (name === "") return "a file name"
  if (name.length > 1024) return "a file name of at most 1024 characters"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return "a file name without control characters"
  if (name.includes("\\")) return "a file name without backslashes"
  if (name.includes(":")) return "a file name without a drive, scheme or stream (no colon)"
  if (name.startsWith("/") || name.startsWith("~")) return "a file name relative to the model"
  if (name.includes(MEMORY_MARKER)) return "a file name, not an address in memory"
  if (name.split("/").some((part) => part === "" || part === "." || part === ".."))
    return "a file name without empty parts, `.` or `..`"
  return undefined
}

/** A whole number as the format writes it, in decimal digits. */
function wholeNumber(text: string, path: string): number {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw invalid(path, "a whole number of bytes below 2^53, in decimal digits")
  return value
}

/** Checks where a tensor's bytes lie in another file; `bytes` is what its dtype and dims take. Returns the file's name. */
export function checkExternal(tensor: TensorProto, bytes: number, external: ExternalData, path: string): string {
  const entries = new Map<string, string>()
  tensor.externalData.forEach(({ key, value }, i) => {
    const at = `${path}.external_data[${i}]`
    if (!KEYS.has(key)) throw invalid(at, `one of ${[...KEYS].join(", ")}, not ${quoted(key)}`)
    if (entries.has(key)) throw invalid(at, `${key} once`)
    entries.set(key, value)
  })
  const at = `${path}.external_data`
  const name = entries.get("location")
  if (name === undefined) throw invalid(at, "a location")
  const fault = externalNameFault(name)
  if (fault) throw invalid(`${at}.location`, `${fault}, not ${quoted(name)}`)
  const size = external.get(name)
  if (size === undefined) throw invalid(`${at}.location`, `one of the files given with the model, not ${quoted(name)}`)
  const offset = wholeNumber(entries.get("offset") ?? "0", `${at}.offset`)
  const length = entries.has("length") ? wholeNumber(entries.get("length")!, `${at}.length`) : bytes
  if (length !== bytes) throw invalid(`${at}.length`, `${bytes} bytes, as dtype and dims say`)
  if (offset > size || length > size - offset)
    throw invalid(`${at}.offset`, `a range within the ${size} bytes of ${quoted(name)}`)
  return name
}
