/** What convolution and pooling share: windows that slide over the spatial dimensions of an [N, C, …] tensor. */
import type { NodeContext } from "../context.ts"
import type { Dim } from "../value.ts"

export interface Window {
  kernel: Dim[]
  strides: number[]
  dilations: number[]
  /** [before…, after…]; undefined where auto_pad decides. */
  pads: number[] | undefined
  autoPad: string
  ceil: boolean
}

/** Reads a window's attributes for `rank` spatial dimensions; `kernel` where the weights give it. */
export function windowOf(node: NodeContext, rank: number, kernel?: readonly Dim[]): Window {
  const list = (name: string, n: number, least: number, or: number): number[] => {
    const xs = node.ints(name) ?? Array<number>(n).fill(or)
    if (xs.length !== n || xs.some((x) => x < least)) throw node.refusal(`${n} ${name}, each at least ${least}`)
    return xs
  }
  const autoPad = node.string("auto_pad", "NOTSET")
  const attribute = node.has("kernel_shape") ? list("kernel_shape", rank, 1, 1) : undefined
  const shape = kernel?.map((k, i) => k ?? attribute?.[i] ?? null) ?? attribute
  if (!shape) throw node.refusal("a kernel_shape")
  return {
    kernel: shape,
    strides: list("strides", rank, 1, 1),
    dilations: list("dilations", rank, 1, 1),
    pads: autoPad === "NOTSET" ? list("pads", 2 * rank, Number.NEGATIVE_INFINITY, 0) : undefined,
    autoPad,
    ceil: node.int("ceil_mode", 0) === 1,
  }
}

/** How many windows fit along each spatial dimension. */
export function slide(node: NodeContext, w: Window, spatial: readonly Dim[]): Dim[] {
  return spatial.map((dim, i) => {
    const [stride, kernel] = [w.strides[i]!, w.kernel[i]!]
    if (dim === null || kernel === null) return null
    const reach = (kernel - 1) * w.dilations[i]! + 1
    if (!w.pads && w.autoPad !== "VALID") return Math.ceil(dim / stride)
    const [before, after] = w.pads ? [w.pads[i]!, w.pads[i + spatial.length]!] : [0, 0]
    const room = dim + before + after - reach
    if (room < 0) throw node.refusal(`a window within its input, not ${reach} over ${dim + before + after}`)
    if (!w.ceil) return Math.floor(room / stride) + 1
    const out = Math.ceil(room / stride) + 1
    // A last window that would begin in the padding after the data is left out.
    return (out - 1) * stride >= dim + before ? out - 1 : out
  })
}
