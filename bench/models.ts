import { existsSync } from "node:fs"
import path from "node:path"
import { repoRoot } from "../scripts/sources.ts"

export interface Feed {
  dtype: "float32"
  shape: number[]
  data: Float32Array<ArrayBuffer>
}

export interface BenchModel {
  name: string
  /** Absolute path. */
  file: string
  input: string
  shape: readonly number[]
  /** Why it can't be run here. */
  missing?: string
}

const shared = path.resolve(repoRoot, process.env.IPFA_SHARED ?? "../shared", "models")
const ours = (name: string, file: string, input: string, shape: readonly number[]): BenchModel => {
  return { name, file: path.join(repoRoot, "models", file), input, shape }
}
const foreign = (name: string, file: string, input: string, shape: readonly number[]): BenchModel => {
  const found = path.join(shared, file)
  const missing = `models/${file} is not in the shared folder (IPFA_SHARED)`
  return { name, file: found, input, shape, ...(!existsSync(found) && { missing }) }
}

/** Times are those of ONNX Runtime on two cores of a server from 2024: 0.05 ms native and 0.1 ms in WebAssembly, and so on. */
export const models = {
  /** 0.05 ms native, 0.1 ms WebAssembly */
  digits: ours("digits", "digits/digits.onnx", "image", [1, 1, 8, 8]),
  /** 5 ms WebAssembly with one thread: a batch, since no model that ships is as large */
  digits128: ours("digits-128", "digits/digits.onnx", "image", [128, 1, 8, 8]),
  /** 2.3 ms native, 5 to 7 ms WebAssembly; 64 kB in */
  kwt1: foreign("kwt1", "kwt1/kwt1.onnx", "audio", [1, 16_000]),
  /** 4.5 ms native; 922 kB in, 310 kB out */
  ultraface: foreign("ultraface-rfb320", "ultraface-rfb320/version-RFB-320.onnx", "input", [1, 3, 240, 320]),
  /** 3 ms native; 602 kB in */
  mobilenetv2: foreign("mobilenetv2", "mobilenetv2/mobilenet_v2_1.0_224_fp32.onnx", "input", [1, 3, 224, 224]),
} as const

/** The same values each time, none of them tiny: denormal numbers would make a CPU slow. */
export function feedsOf({ input, shape }: Pick<BenchModel, "input" | "shape">): Record<string, Feed> {
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1))
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 0.37) * 0.5 + 0.75
  return { [input]: { dtype: "float32", shape: [...shape], data } }
}

/** Copies: a real caller's input is new each time, and no cache holds it yet. */
export function copyOf(feeds: Record<string, Feed>): Record<string, Feed> {
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, { ...feed, data: feed.data.slice() }]))
}
