import { readFileSync } from "node:fs"
import {
  arrayTypes,
  type Dtype,
  dtypeBytes,
  fail,
  type Tensor,
  type TensorData,
  type TensorInfo,
} from "../../protocol/index.ts"
import type { KserveDtype } from "../http/kserve/datatypes.ts"
import { fromJson } from "../http/kserve/values.ts"
import { readNpy } from "./npy.ts"

/** `--input name=VALUE`, VALUE being `file.npy`, `file.json`, JSON itself, or `@file` for raw little-endian bytes. */
export function readFeeds(args: readonly string[], inputs: readonly TensorInfo[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const arg of args) {
    const equals = arg.indexOf("=")
    const name = arg.slice(0, equals)
    const info = inputs.find((i) => i.name === name)
    if (equals < 1 || !info)
      throw wrong("--input", `NAME=VALUE with NAME one of ${inputs.map((i) => i.name).join(", ")}`)
    feeds[name] = readTensor(arg.slice(equals + 1), info)
  }
  const missing = inputs.filter((i) => !feeds[i.name]).map((i) => i.name)
  if (missing.length > 0) throw wrong("--input", `a value for ${missing.join(", ")} as well`)
  return feeds
}

function readTensor(value: string, info: TensorInfo): Tensor {
  if (value.startsWith("@")) return raw(readFile(value.slice(1)), info, value)
  if (value.endsWith(".npy")) return readNpy(readFile(value), value)
  const text = value.endsWith(".json") ? readFile(value).toString("utf8") : value
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw wrong(`--input ${info.name}`, "a .npy file, a .json file, JSON, or @FILE for raw bytes")
  }
  return fromNested(json, info)
}

/** Nested lists have their shape; a flat one takes the model's. */
function fromNested(json: unknown, info: TensorInfo): Tensor {
  if (info.dtype === "uint4" || info.dtype === "int4")
    throw wrong(`--input ${info.name}`, "raw bytes (@FILE) for a 4-bit type")
  const dtype: KserveDtype = info.dtype
  const shape: number[] = []
  for (let level = json; Array.isArray(level); level = level[0]) shape.push(level.length)
  const flat = shape.length === 1 && info.shape.length !== 1
  const nested = Array.isArray(json) ? json : [json]
  return fromJson(dtype, flat ? fitShape(info, shape[0] as number) : shape, nested, `--input ${info.name}`)
}

function raw(bytes: Buffer, info: TensorInfo, path: string): Tensor {
  if (info.dtype === "string") throw wrong(path, "JSON for strings")
  const View = arrayTypes[info.dtype]
  const count = (bytes.byteLength * 8) / bitsOf(info.dtype)
  const shape = fitShape(info, count)
  const data = new View(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer)
  return { dtype: info.dtype, shape, data: data as TensorData } as Tensor
}

const bitsOf = (dtype: Dtype) => dtypeBytes(dtype, 2) * 4

/** The model's shape for `count` elements: its one free dimension, where it has one, is what makes them fit. */
function fitShape({ name, shape }: TensorInfo, count: number): number[] {
  const known = shape.reduce<number>((product, d) => (typeof d === "number" ? product * d : product), 1)
  const free = shape.filter((d) => typeof d !== "number").length
  const rest = count / known
  if (free > 1 && rest !== 1)
    throw wrong(`--input ${name}`, "a .npy file or nested JSON, since several dimensions are free")
  if (!Number.isInteger(rest) || (free === 0 && rest !== 1))
    throw wrong(`--input ${name}`, `elements for the shape [${shape.join(", ")}], not ${count}`)
  let left = rest
  return shape.map((d) => {
    if (typeof d === "number") return d
    const here = left
    left = 1
    return here
  })
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw fail("IPFA_INPUT_INVALID", { message: `${path} can't be read.`, data: { path }, cause })
  }
}

function wrong(path: string, expected: string): Error {
  return fail("IPFA_INPUT_INVALID", { message: `${path}: expected ${expected}.`, data: { path, expected } })
}
