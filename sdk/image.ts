import type { TensorInfo } from "../protocol/tensor.ts"
import { invalid } from "./feeds.ts"
import type { ImageOptions, TensorInput } from "./types.ts"

const arrays: Record<string, Float32ArrayConstructor | Uint8ClampedArrayConstructor | undefined> = {
  float32: Float32Array,
  float16: (globalThis as unknown as { Float16Array?: Float32ArrayConstructor }).Float16Array,
  // To nearest: luma is a little below or above whole numbers.
  uint8: Uint8ClampedArray,
}

/**
 * An image as a model's input `[1, channels, height, width]` or `[1, height, width, channels]`, resized to it; 1 channel is luma (BT.601), 3 are
 * colours. float16 takes a browser that has Float16Array. Throws IPFA_INPUT_INVALID where such an input can't be made of this image.
 */
export async function imageTensor(
  source: ImageBitmapSource,
  { name, dtype, shape }: TensorInfo,
  { scale = 1 / (dtype === "uint8" ? 1 : 255), mean = [], std = [], order = "rgb" }: ImageOptions = {},
): Promise<TensorInput> {
  const [, a, b, c] = shape
  const first = a === 1 || a === 3
  const channels = first ? a : c
  const type = arrays[dtype]
  if (shape.length !== 4 || (channels !== 1 && channels !== 3) || !type)
    throw invalid(name, "a tensor: this input is no float32, float16 or uint8 image of 1 or 3 channels")
  const drawn = drawnAs(source, first ? [b, c] : [a, b])
  const {
    width,
    height,
    data: pixels,
  } = await drawn.catch((cause) => {
    throw invalid(name, "an image that this page may read", cause)
  })
  const area = width * height
  const data = new type(area * channels)
  for (let channel = 0; channel < channels; channel++) {
    const from = order === "bgr" ? 2 - channel : channel
    const [shift = 0, divisor = 1] = [mean[channel], std[channel]]
    for (let i = 0; i < area; i++) {
      const at = (j: number) => pixels[4 * i + j] as number
      const value = channels === 1 ? 0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2) : at(from)
      data[first ? channel * area + i : channels * i + channel] = (value * scale - shift) / divisor
    }
  }
  const dims = first ? [1, channels, height, width] : [1, height, width, channels]
  return { dtype, shape: dims, data } as TensorInput
}

/** Its pixels at that height and width; at its own where the model names none. */
async function drawnAs(
  source: ImageBitmapSource,
  [rows, columns]: readonly (TensorInfo["shape"][number] | undefined)[],
): Promise<ImageData> {
  const bitmap = await createImageBitmap(source)
  const height = typeof rows === "number" ? rows : bitmap.height
  const width = typeof columns === "number" ? columns : bitmap.width
  const context = new OffscreenCanvas(width, height).getContext("2d") as OffscreenCanvasRenderingContext2D
  context.drawImage(bitmap, 0, 0, width, height)
  bitmap.close()
  return context.getImageData(0, 0, width, height)
}
