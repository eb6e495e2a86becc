import type { StoredDtype } from "./define-kernel.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { keeping } from "./keeping.ts"
import { invalid, unfit } from "./refusals.ts"
import type { KernelRuntime } from "./runtime.ts"
import { linesAlong } from "./shapes.ts"
import { sliced, tiled, wholeView } from "./view.ts"

const isCount = (n: number) => Number.isInteger(n) && n >= 0

/** Tensors one behind the other along `axis`, a copy each. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, else as `runtime.run`. */
export function concatenated(runtime: KernelRuntime, tensors: readonly GpuTensor[], axis: number): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const [first] = tensors
    if (!first) throw unfit("concat", "tensors", "one at least")
    const { axis: at } = linesAlong("concat", first.shape, axis)
    for (const { dtype, shape } of tensors) {
      if (shape.length !== first.shape.length || shape.with(at, 0).join() !== first.shape.with(at, 0).join())
        throw unfit("concat", "tensors", `alike but along axis ${axis}, not [${first.shape}] and [${shape}]`)
      if (dtype !== first.dtype) throw invalid("concat", "tensors", `of one dtype, not ${first.dtype} and ${dtype}`)
    }
    const shape = first.shape.with(at, tensors.reduce((sum, one) => sum + one.shape[at]!, 0)) // biome-ignore format: a line
    let into: GpuTensor | undefined
    let start = 0
    for (const one of tensors) {
      const to = sliced(wholeView(shape), at, start, one.shape[at]!)
      into = into ? await runtime.copied(one, { to, shape }, { into }) : keep(await runtime.copied(one, { to, shape }))
      start += one.shape[at]!
    }
    return into!.share()
  })
}

/** Views of x, cut along `axis`. Throws IPFA_INPUT_SHAPE where the parts are not the whole. */
export function split<D extends StoredDtype>(
  x: GpuTensor<D>,
  parts: number | readonly number[],
  axis: number,
): GpuTensor<D>[] {
  const { axis: at, cols } = linesAlong("split", x.shape, axis)
  const count = typeof parts === "number" ? parts : parts.length
  const sizes = typeof parts !== "number" ? parts : isCount(parts) ? new Array<number>(parts).fill(cols / parts) : []
  if (!sizes.every(isCount) || sizes.reduce((sum, size) => sum + size, 0) !== cols)
    throw unfit("split", "parts", `what makes ${cols} along axis ${axis} of [${x.shape}], not ${count} of ${sizes}`)
  let end = 0
  return sizes.map((size) => {
    end += size
    return x.slice(at, end - size, size)
  })
}

/** x so many times along each axis. Throws IPFA_INPUT_SHAPE, else as `runtime.run`. */
export function repeated(runtime: KernelRuntime, x: GpuTensor, repeats: readonly number[]): Promise<GpuTensor> {
  return keeping(async (keep) => {
    if (!repeats.every(isCount)) throw unfit("tile", "repeats", `whole numbers from 0 on, not ${repeats}`)
    const rank = Math.max(x.shape.length, repeats.length)
    const filled = (list: readonly number[]) => [...new Array<number>(rank - list.length).fill(1), ...list]
    const [shape, times] = [filled(x.shape), filled(repeats)]
    const all = keep(x.broadcast(shape))
    const copy = keep(await runtime.copied(keep(x.view(tiled(all, times)))))
    return copy.share(shape.map((size, axis) => size * times[axis]!))
  })
}
