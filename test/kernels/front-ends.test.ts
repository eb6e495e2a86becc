import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  createKernels,
  dctMatrix,
  type GpuTensor,
  hasFft,
  KernelRuntime,
  type Kernels,
  logMel,
  melFilters,
  mfcc,
} from "../../kernels/index.ts"
import { pixels } from "../../kernels/pixels/pixels.ts"
import { softwareDevice } from "./software-gpu.ts"

let gpu: Kernels
beforeAll(async () => {
  gpu = createKernels(await softwareDevice())
})
afterAll(() => gpu?.device.destroy())

async function read<T extends "float32">(made: Promise<GpuTensor<T>>): Promise<Float32Array> {
  const tensor = await made
  try {
    return (await tensor.read()) as Float32Array
  } finally {
    tensor.destroy()
  }
}

describe("sound", () => {
  const options = { mels: 6, low: 20, high: 3800, sampleRate: 8000, frame: 50, hop: 20, size: 64, window: "hann", floor: 1e-6 } as const // biome-ignore format: options
  /** Two tones, of 500 and 1,700 Hz. */
  const samples = Float32Array.from({ length: 130 }, (_, i) => {
    return Math.sin((2 * Math.PI * 500 * i) / 8000) + 0.3 * Math.sin((2 * Math.PI * 1700 * i) / 8000)
  })
  /** Bands of the frame that starts at `start`, by the definition. */
  const bandsOf = (start: number) => {
    const filters = melFilters(options)
    const power = Array.from({ length: 33 }, (_, bin) => {
      let [re, im] = [0, 0]
      for (let i = 0; i < 50; i++) {
        const value = samples[start + i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 50))
        re += value * Math.cos((2 * Math.PI * bin * i) / 64)
        im += value * Math.sin((2 * Math.PI * bin * i) / 64)
      }
      return re * re + im * im
    })
    return Array.from({ length: 6 }, (_, mel) =>
      Math.log(
        Math.max(
          power.reduce((sum, value, bin) => sum + value * filters[bin * 6 + mel]!, 0),
          1e-6,
        ),
      ),
    )
  }
  const frames = [0, 20, 40, 60, 80].map(bandsOf)
  const near = (want: number[], got: Float32Array) => {
    expect(got).toHaveLength(want.length)
    for (const [i, value] of want.entries()) expect(Math.abs(got[i]! - value), `${i}`).toBeLessThan(1e-3)
  }

  test("logMel gives the logarithm of each band's power, frame by frame", async () => {
    const x = gpu.tensor({ dtype: "float32", shape: [1, 130], data: samples })
    near(frames.flat(), await read(logMel(gpu, x, options)))
    // The tone of 500 Hz is where the band around it is.
    expect(frames[0]!.indexOf(Math.max(...frames[0]!))).toBe(1)
    x.destroy()
  })

  test("mfcc gives the first coefficients of their cosine transform", async () => {
    const x = gpu.tensor({ dtype: "float32", shape: [1, 130], data: samples })
    const matrix = dctMatrix(6, 3)
    const want = frames.flatMap((bands) =>
      [0, 1, 2].map((k) => bands.reduce((sum, value, mel) => sum + value * matrix[mel * 3 + k]!, 0)),
    )
    near(want, await read(mfcc(gpu, x, { ...options, count: 3 })))
    x.destroy()
  })

  test.each([
    ["135, by the kernel", 135],
    ["14, which it does not have", 14],
  ])("fft gives the bins of frames with zeros behind, of length %s", async (_, length) => {
    const [frame, hop] = [12, 5]
    const weights = Float32Array.from({ length: frame }, (_, i) => 1 - i / 40)
    const x = gpu.tensor({ dtype: "float32", shape: [2, 65], data: samples })
    const window = gpu.tensor({ dtype: "float32", shape: [frame], data: weights })
    expect(hasFft(length, gpu.runtime.limits)).toBe(length === 135)
    const frames = Math.floor((65 - frame) / hop) + 1
    const bins = Math.floor(length / 2) + 1
    const want = Array.from({ length: 2 * frames * bins }, (_, i) => {
      const [bin, at, signal] = [i % bins, Math.floor(i / bins) % frames, Math.floor(i / bins / frames)]
      const values = Array.from(weights, (weight, n) => weight * samples[65 * signal + hop * at + n]!)
      const sum = (turn: (angle: number) => number) =>
        values.reduce((total, value, n) => total + value * turn((2 * Math.PI * bin * n) / length), 0)
      return [sum(Math.cos), -sum(Math.sin)] as const
    })
    const given = { frame, hop, length, oneSided: true }
    near(want.flat(), await read(gpu.fft(x, given, window)))
    near(want.map(([re, im]) => re * re + im * im), await read(gpu.fft(x, { ...given, power: true }, window))) // biome-ignore format: a line
    for (const tensor of [x, window]) tensor.destroy()
  })

  test("fft gives back what it was given, of any length and of a view, and is not had by force where it can't be", async () => {
    const x = gpu.tensor({ dtype: "float32", shape: [130], data: samples })
    for (const length of [14, 128]) {
      const view = x.slice(0, 1, length)
      const bins = await gpu.fft(view)
      const back = await read(gpu.fft(bins, { complex: true, inverse: true }))
      near(
        [...(await view.read())].flatMap((value) => [value, 0]),
        back,
      )
      const forced = gpu.fft(view, {}, undefined, { algorithm: "passes" })
      if (length === 14) await expect(forced).rejects.toMatchObject({ code: "IPFA_DEVICE_UNSUPPORTED" })
      else (await forced).destroy()
      for (const tensor of [view, bins]) tensor.destroy()
    }
    x.destroy()
  })

  test("what is shorter than a frame is refused", async () => {
    const x = gpu.tensor({ dtype: "float32", shape: [1, 49], data: samples.slice(0, 49) })
    await expect(logMel(gpu, x, options)).rejects.toMatchObject({ code: "IPFA_INPUT_SHAPE" })
    x.destroy()
  })
})

test("an image's bytes become what image models take: a part of it, halved, channel by channel", async () => {
  // Left half red and opaque, right half blue; around it a frame of white that is cut off.
  const image = { width: 6, height: 4, data: new Uint8ClampedArray(96).fill(255) }
  for (let row = 1; row < 3; row++)
    for (let col = 1; col < 5; col++) image.data.set(col < 3 ? [255, 0, 0, 255] : [0, 0, 255, 255], (row * 6 + col) * 4)
  const x = gpu.tensor({ dtype: "uint32", shape: [4, 6], data: new Uint32Array(image.data.buffer) })
  const made = gpu.fromPixels(x, { crop: [1, 1, 2, 4], size: [1, 2], mean: [0.5], deviation: [0.5], antialias: false })
  const values = await read(made)
  // Between the middles of four pixels: the two of its own half, and of each no other.
  expect([...values].map((value) => Math.round(value * 1e5) / 1e5)).toEqual([1, -1, -1, -1, -1, 1])
  x.destroy()
})

describe("a texture's pixels", () => {
  // GPUTextureUsage by value
  const [copyDst, textureBinding] = [0x2, 0x4]
  const textureOf = (
    width: number,
    height: number,
    data: Uint8Array<ArrayBuffer>,
    usage = copyDst | textureBinding,
  ) => {
    const texture = gpu.device.createTexture({ size: [width, height], format: "rgba8unorm", usage })
    gpu.device.queue.writeTexture({ texture }, data, { bytesPerRow: 4 * width }, [width, height])
    return texture
  }
  const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 151 + (i >> 8)) % 256)

  test.each([
    [1, 1],
    [13, 5],
    [64, 2],
  ])("become the bytes that it holds: %i × %i", async (width, height) => {
    const data = bytes(4 * width * height)
    const texture = textureOf(width, height, data)
    const made = await gpu.pixels(texture)
    texture.destroy()
    expect(made.shape).toEqual([height, width])
    expect(await made.read()).toEqual(new Uint32Array(data.buffer))
    made.destroy()
  })

  test("are all there where one dimension of a dispatch does not hold them", async () => {
    const data = bytes(4 * 31 * 11)
    const texture = textureOf(31, 11, data)
    const { device } = gpu
    const made = await pixels(new KernelRuntime(device, { ...gpu.runtime.limits, maxComputeWorkgroupsPerDimension: 3 }), texture) // biome-ignore format: a line
    expect(await made.read()).toEqual(new Uint32Array(data.buffer))
    made.destroy()
    texture.destroy()
  })

  test("of what is no image are refused", async () => {
    const closed = { width: 0, height: 0 } as ImageBitmap
    await expect(gpu.pixels(closed)).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID", data: { path: "source" } })
    const wide = { width: 2 ** 14, height: 1 } as ImageBitmap
    await expect(gpu.pixels(wide)).rejects.toMatchObject({ code: "IPFA_INPUT_SHAPE" })
  })
})
