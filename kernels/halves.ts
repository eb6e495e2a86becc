import { fail } from "../protocol/errors/error.ts"

/** An element read from pairs of float16 in words, by what the source takes it as: `i` is its number. */
const reads: Readonly<Record<string, string>> = {
  f32: "unpack2x16float(NAME[i / 2u])[i % 2u]",
  // A word of a float32, by a kernel that only moves it.
  u32: "bitcast<u32>(unpack2x16float(NAME[i / 2u])[i % 2u])",
  "vec4<f32>": "vec4<f32>(unpack2x16float(NAME[2u * i]), unpack2x16float(NAME[2u * i + 1u]))",
}

/**
 * `code` with the float32 elements of these inputs read from float16, two to a word: every `name[…]` becomes a function, whose code is added behind the rest. A device
 * may take a float16 below 2^-14 for 0 (WGSL, 17.11 "unpack2x16float"). Throws IPFA_INTERNAL where the source has the input as anything else.
 */
export function withHalves(path: string, code: string, names: readonly string[]): string {
  return names.reduce((text, name) => {
    const [binding, type] = text.match(new RegExp(`var<storage, read> ${name}: array<([\\w<>]+)>;`)) ?? []
    const element = type && (text.match(new RegExp(`\\balias ${type} = ([\\w<>]+);`))?.[1] ?? type)
    const read = element && reads[element]
    if (!binding || !read)
      throw fail("IPFA_INTERNAL", { message: `${path}: ${name} can't be read as float16, but only as ${type}` })
    const stored = text.replace(binding, `var<storage, read> ${name}: array<u32>;`)
    const function_ = `fn ${name}_half(i: u32) -> ${element} {\n  return ${read.replaceAll("NAME", name)};\n}\n`
    return `${calling(stored, name)}\n${function_}`
  }, code)
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
