import { fail } from "../protocol/errors/error.ts"

export type ScalarType = "u32" | "i32" | "f32"
export interface Binding {
  readonly name: string
  /** A texture is read: one of this device, or one from outside, as a frame of a video. */
  readonly access: "texture" | "external" | "read" | "read_write" | "uniform"
}
/** What a `.wgsl` file says of itself: the one place bindings, uniforms and tuning constants are written down. */
export interface Interface {
  /** `@group(0)` in order of `@binding`: inputs, then outputs, then `params`. */
  readonly bindings: readonly Binding[]
  /** Fields of `struct Params` in order, four bytes each. */
  readonly params: Readonly<Record<string, ScalarType>>
  /** Override constants that have a literal default: what a tuning may set. Derived ones (`TILE_M = WG_Y * 4u`) are left out. */
  readonly overrides: Readonly<Record<string, number>>
}

const bindingPattern =
  /@group\((\d+)\)\s*@binding\((\d+)\)\s*var(?:<\s*(?:storage\s*,\s*(read|read_write)|(uniform))\s*>|(?=\s+\w+\s*:\s*texture_(2d<f32>|external)))\s*(\w+)\s*:/g

/** Reads the interface out of WGSL `code`, which must keep to this folder's conventions; anything else is refused by name. */
export function reflect(path: string, code: string): Interface {
  const refuse = (what: string) => fail("IPFA_INTERNAL", { message: `${path}: ${what}` })
  const plain = code.replaceAll(/\/\/.*/g, "")

  const bindings: Binding[] = []
  for (const [, group, index, storage, uniform, texture, name] of plain.matchAll(bindingPattern)) {
    if (group !== "0" || Number(index) !== bindings.length)
      throw refuse(`expected @group(0) @binding(${bindings.length})`)
    const access = texture === "2d<f32>" ? "texture" : (storage ?? uniform ?? texture)
    bindings.push({ name: name!, access: access as Binding["access"] })
  }
  if (bindings.length !== plain.split("@binding").length - 1)
    throw refuse("a binding is neither var<storage, read|read_write> nor var<uniform> nor a texture that is read")
  const order = bindings.map((b) => ["texture", "external", "read", "read_write", "uniform"].indexOf(b.access))
  if (order.some((rank, i) => rank < (order[i - 1] ?? 0)) || bindings.at(-1)?.name !== "params")
    throw refuse("bindings are inputs, then outputs, then params")

  const body = plain.match(/struct Params \{([^}]*)\}/)?.[1]
  if (body === undefined) throw refuse("expected struct Params")
  const params: Record<string, ScalarType> = {}
  for (const field of body.split(",").filter((part) => part.trim())) {
    const [, name, type] = field.match(/^\s*(\w+)\s*:\s*(u32|i32|f32)\s*$/) ?? []
    if (!name) throw refuse(`Params holds scalars of u32, i32 or f32, not "${field.trim()}"`)
    params[name] = type as ScalarType
  }

  const overrides: Record<string, number> = {}
  for (const [, name, value] of plain.matchAll(/override\s+(\w+)\s*:\s*u32\s*=\s*(\d+)u?\s*;/g))
    overrides[name!] = Number(value)
  return { bindings, params, overrides }
}
