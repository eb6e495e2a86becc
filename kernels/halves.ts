import { fail } from "../protocol/errors/error.ts"
import { float16Bits } from "../protocol/float16.ts"

/** Numbers as float16, two to a word, the first lowest; behind an odd number of them a 0. */
export function pairedHalves(values: ArrayLike<number>): Uint32Array {
  const words = new Uint32Array(Math.ceil(values.length / 2))
  for (let i = 0; i < values.length; i++) words[i >> 1]! |= float16Bits(values[i]!) << (16 * (i % 2))
  return words
}

/** How float16 are stored and read where a source has elements of a type: as such, or two to a word. `i` is the element's number. */
const floats: Readonly<Record<string, { native: Read; words: Read }>> = {
  f32: {
    native: { stored: "f16", read: "f32(NAME[i])" },
    words: { stored: "u32", read: "unpack2x16float(NAME[i / 2u])[i % 2u]" },
  },
  "vec2<f32>": {
    native: { stored: "vec2<f16>", read: "vec2<f32>(NAME[i])" },
    words: { stored: "u32", read: "unpack2x16float(NAME[i])" },
  },
  "vec4<f32>": {
    native: { stored: "vec4<f16>", read: "vec4<f32>(NAME[i])" },
    words: { stored: "u32", read: "vec4<f32>(unpack2x16float(NAME[2u * i]), unpack2x16float(NAME[2u * i + 1u]))" },
  },
}
interface Read {
  stored: string
  read: string
}

/** As `floats` has it, for words of float32 too, which a kernel has that only moves them. */
function readOf(element: string, native: boolean): Read | undefined {
  const own = floats[element.replace("u32", "f32")]?.[native ? "native" : "words"]
  return own && element.includes("u32") ? { ...own, read: `bitcast<${element}>(${own.read})` } : own
}

/** `type` without the names that `code` has for it. */
function unaliased(code: string, type: string): string {
  return type.replaceAll(/\w+/g, (name) => {
    const meaning = code.match(new RegExp(`\\balias ${name} = ([\\w<>]+);`))?.[1]
    return meaning === undefined ? name : unaliased(code, meaning)
  })
}

/**
 * `code` with the float32 elements of these inputs read from float16, by a device's own where it is `native` (`shader-f16`): every `name[…]` becomes a function, whose code is
 * added behind the rest. All computing stays in float32. A device may take a float16 below 2^-14 for 0 (WGSL, 17.11 "unpack2x16float"). Throws IPFA_INTERNAL where the source has the
 * input as anything else.
 */
export function withHalves(path: string, code: string, names: readonly string[], native: boolean): string {
  const rewritten = names.reduce((text, name) => {
    const [binding, type] = text.match(new RegExp(`var<storage, read> ${name}: array<([\\w<>]+)>;`)) ?? []
    const element = type && unaliased(text, type)
    const how = element && readOf(element, native)
    if (!binding || !how)
      throw fail("IPFA_INTERNAL", { message: `${path}: ${name} can't be read as float16, but only as ${type}` })
    const stored = text.replace(binding, `var<storage, read> ${name}: array<${how.stored}>;`)
    const function_ = `fn ${name}_half(i: u32) -> ${element} {\n  return ${how.read.replaceAll("NAME", name)};\n}\n`
    return `${calling(stored, name)}\n${function_}`
  }, code)
  // on the first line, so that lines keep their numbers
  return native ? `enable f16; ${rewritten}` : rewritten
}

/** `name[index]` as `name_half(u32(index))`, indices that hold others included. */
function calling(code: string, name: string): string {
  const pattern = new RegExp(`(?<![\\w.])${name}\\[`, "g")
  let made = ""
  let from = 0
  for (let found = pattern.exec(code); found; found = pattern.exec(code)) {
    let end = pattern.lastIndex
    for (let open = 1; open > 0; end++) open += code[end] === "[" ? 1 : code[end] === "]" ? -1 : 0
    const index = calling(code.slice(pattern.lastIndex, end - 1), name)
    made += `${code.slice(from, found.index)}${name}_half(u32(${index}))`
    from = end
    pattern.lastIndex = end
  }
  return made + code.slice(from)
}
