import { fail } from "../protocol/errors/error.ts"
import type { ScalarType } from "./reflect.ts"

/**
 * The bytes of a `Params` uniform: four per field, in the order of the declaration, padded to 16. `layout` comes from the `.wgsl` file itself,
 * so no offset is ever counted by hand. Scalars of four bytes have no other layout in WGSL's uniform address space (WGSL, 14.4.1).
 */
export function packParams(
  layout: Readonly<Record<string, ScalarType>>,
  values: Readonly<Record<string, number>>,
): ArrayBuffer {
  const names = Object.keys(layout)
  const bytes = new ArrayBuffer(Math.ceil((names.length * 4) / 16) * 16)
  const view = new DataView(bytes)
  for (const name of Object.keys(values))
    if (!Object.hasOwn(layout, name)) throw fail("IPFA_INTERNAL", { message: `Params has no field ${name}` })
  for (const [i, name] of names.entries()) {
    const type = layout[name]!
    const value = values[name]
    if (value === undefined || !fits(type, value))
      throw fail("IPFA_INTERNAL", { message: `Params.${name}: ${value} is no ${type}` })
    if (type === "f32") view.setFloat32(i * 4, value, true)
    else if (type === "i32") view.setInt32(i * 4, value, true)
    else view.setUint32(i * 4, value, true)
  }
  return bytes
}

function fits(type: ScalarType, value: number): boolean {
  if (type === "f32") return Number.isFinite(value)
  return type === "u32" ? value >>> 0 === value : (value | 0) === value
}
