import { createKernels, type PixelSource } from "../../kernels/index.ts"
import { AccelerateError } from "../../protocol/index.ts"

const [WIDTH, HEIGHT] = [13, 5]
/** Opaque pixels, no two alike. */
const bytes = Uint8ClampedArray.from({ length: 4 * WIDTH * HEIGHT }, (_, i) => (i % 4 === 3 ? 255 : (i * 83) % 256))

/** The image in all that only browsers have; a frame's numbers may be off by what its own colors lose. */
const sources: Record<string, { off: number; make(canvas: OffscreenCanvas): Promise<PixelSource> }> = {
  ImageBitmap: { off: 0, make: (canvas) => createImageBitmap(canvas) },
  OffscreenCanvas: { off: 0, make: async (canvas) => canvas },
  VideoFrame: { off: 1, make: async (canvas) => new VideoFrame(canvas, { timestamp: 0 }) },
  "closed ImageBitmap": {
    off: 0,
    async make(canvas) {
      const bitmap = await createImageBitmap(canvas)
      bitmap.close()
      return bitmap
    },
  },
}

/** What became of the image, by source: "read", or an error's code, or what is wrong. */
async function pixels(): Promise<Record<string, string>> {
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error("There is no adapter.")
  const device = await adapter.requestDevice()
  const gpu = createKernels(device)
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT)
  canvas.getContext("2d")!.putImageData(new ImageData(bytes, WIDTH), 0, 0)
  const outcome = async ({ off, make }: (typeof sources)[string]): Promise<string> => {
    try {
      const source = await make(canvas)
      const tensor = await gpu.pixels(source)
      if ("close" in source) source.close()
      const got = new Uint8Array((await tensor.read()).buffer)
      tensor.destroy()
      if (tensor.shape.join() !== `${HEIGHT},${WIDTH}`) return `[${tensor.shape}]`
      const wrong = bytes.findIndex((byte, i) => Math.abs(byte - got[i]!) > off)
      return wrong < 0 ? "read" : `byte ${wrong} is ${got[wrong]}, not ${bytes[wrong]}`
    } catch (error) {
      return error instanceof AccelerateError ? error.code : String(error)
    }
  }
  const outcomes: Record<string, string> = {}
  for (const [name, source] of Object.entries(sources)) outcomes[name] = await outcome(source)
  device.destroy()
  return outcomes
}

Object.assign(globalThis, { pixels })
