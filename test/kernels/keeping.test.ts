import { describe, expect, test } from "vitest"
import { mfcc } from "../../kernels/index.ts"
import { counting, onEagerDevice } from "./eager.ts"

const { f32, found } = onEagerDevice()

// After each of these the device's memory is as it was before.
describe("an operation of several kernels leaves nothing behind but its result", () => {
  test("a product of vectors, and of matrices that are broadcast", async () => {
    expect(await found(({ matmul }) => matmul(f32([3]), f32([3])))).toEqual({ shape: [], numbers: [14] })
    const many = f32([2, 1, 1, 2])
    expect(await found(({ matmul }) => matmul(many, f32([3, 2, 1])))).toEqual({
      shape: [2, 3, 1, 1],
      numbers: [5, 11, 17, 11, 25, 39],
    })
  })

  test.each([
    ["by the kernel", 16],
    ["as a product with a matrix", 14],
  ])("a transform, %s", async (_, length) => {
    const [x, window] = [f32([2, length]), f32([length], new Array(length).fill(1))]
    const { numbers } = await found(({ fft }) => fft(x, { power: true }, window))
    // Of no frequency at all: the square of the sum.
    const sum = counting([length]).reduce((total, value) => total + value, 0)
    expect(Math.abs(numbers[0]! / sum ** 2 - 1)).toBeLessThan(1e-5)
  })

  test("coefficients of sound", async () => {
    const options = { mels: 6, low: 20, high: 3800, sampleRate: 8000, frame: 50, hop: 20, size: 64, count: 3 }
    const { shape } = await found((gpu) => mfcc(gpu, f32([1, 130]), options))
    expect(shape).toEqual([1, 5, 3])
  })
})
