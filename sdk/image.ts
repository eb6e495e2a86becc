import type { TensorInfo } from "../protocol/tensor.ts"
import { invalid } from "./feeds.ts"
import type { ImageOptions, TensorInput } from "./types.ts"

/** An image as a model's input `[1, channels, height, width]` or `[1, height, width, channels]`, resized to it; 1 channel is luma (BT.601), 3 are colours. */
export async function imageTensor(
  source: ImageBitmapSource,
  { name, dtype, shape }: TensorInfo,
  { scale, mean = [], std = [], order = "rgb" }: ImageOptions = {},
): Promise<TensorInput> {
  const [, a, b, c] = shape
  const first = a === 1 || a === 3
  const channels = first ? a : c
  if (shape.length !== 4 || (channels !== 1 && channels !== 3) || (dtype !== "float32" && dtype !== "uint8"))
    throw invalid(
      name,
      "a tensor: this input, which is no float32 or uint8 image of 1 or 3 channels, can't be made of pixels",
    )
  const bitmap = await createImageBitmap(source)
  const side = (dim: number | string | null | undefined, own: number) => (typeof dim === "number" ? dim : own)
  const height = side(first ? b : a, bitmap.height)
  const width = side(first ? c : b, bitmap.width)
  const context = new OffscreenCanvas(width, height).getContext("2d") as OffscreenCanvasRenderingContext2D
  context.drawImage(bitmap, 0, 0, width, height)
  bitmap.close()
  const pixels = context.getImageData(0, 0, width, height).data
  const area = width * height
  const data = dtype === "float32" ? new Float32Array(area * channels) : new Uint8Array(area * channels)
  const factor = scale ?? (dtype === "float32" ? 1 / 255 : 1)
  for (let channel = 0; channel < channels; channel++) {
    const from = order === "bgr" ? 2 - channel : channel
    const [shift = 0, divisor = 1] = [mean[channel], std[channel]]
    for (let i = 0; i < area; i++) {
      const at = (j: number) => pixels[4 * i + j] as number
      const value = channels === 1 ? 0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2) : at(from)
      data[first ? channel * area + i : channels * i + channel] = (value * factor - shift) / divisor
    }
  }
  const dims = first ? [1, channels, height, width] : [1, height, width, channels]
  return { dtype, shape: dims, data } as TensorInput
}
