import { adderModel } from "../../support/adder.ts"
import { digits, digitsModel } from "../../support/digits.ts"
import type { Draws } from "./draws.ts"

/** One run of a model, as plain values that travel into a page, with the answer that is right. */
export interface Job {
  input: string
  output: string
  shape: number[]
  data: number[]
  expected: number[]
  tolerance: number
}

/** Some jobs of one model, on one session, all at once. */
export interface Batch {
  /** File name, below every site's `/models/`. */
  model: string
  jobs: Job[]
  /** Cancels the rest when this many have ended. */
  abortAfter?: number
}

/** What became of a job: its numbers, or only that they were right, or its error. */
export type Outcome = { values: number[] } | { right: true } | Failure

export interface Failure {
  code: string
  message?: string
  /** What the error says of the device, the reason, the time. */
  data?: Record<string, unknown>
}

/** Models that differ in nothing but what they add: an answer that came from another's session shows. */
const BIASES = [1, 20]
const ADDER_SHAPE = ["n"]
const ADDER_ELEMS = 2000

export const models: Record<string, Uint8Array> = {
  "digits.onnx": digitsModel,
  ...Object.fromEntries(BIASES.map((bias) => [`add-${bias}.onnx`, adderModel(bias, 0, ADDER_SHAPE)])),
}

/** Most images in one run of the digits model, and most jobs at once. */
const IMAGES = 200
const AT_ONCE = 8

export function drawBatch(draws: Draws): Batch {
  const isDigits = draws.weighed({ digits: 2, adder: 1 }) === "digits"
  const bias = draws.pick(BIASES)
  const jobs = Array.from({ length: draws.between(1, AT_ONCE) }, () =>
    isDigits ? digitsJob(draws) : adderJob(draws, bias),
  )
  return { model: isDigits ? "digits.onnx" : `add-${bias}.onnx`, jobs }
}

/** One whose jobs are many and large enough that something can happen while they run. */
export function drawLongBatch(draws: Draws): Batch {
  return { model: "digits.onnx", jobs: Array.from({ length: 2 * AT_ONCE }, () => digitsJob(draws, IMAGES)) }
}

/** The smallest of each: what has run once is compiled and loaded. */
export const firstBatches: readonly Batch[] = Object.keys(models).map((model) => ({
  model,
  jobs: [model === "digits.onnx" ? digitsOf([0]) : add(Number(/\d+/.exec(model)?.[0]), 1, 0)],
}))

function digitsJob(draws: Draws, images = draws.between(1, IMAGES)): Job {
  return digitsOf(Array.from({ length: images }, () => draws.between(0, digits.samples.length - 1)))
}

function digitsOf(chosen: readonly number[]): Job {
  const samples = chosen.map((i) => digits.samples[i] as (typeof digits.samples)[number])
  return {
    input: "image",
    output: "logits",
    shape: [chosen.length, 1, 8, 8],
    data: samples.flatMap(({ image }) => image),
    expected: samples.flatMap(({ logits }) => logits),
    tolerance: digits.tolerance,
  }
}

function adderJob(draws: Draws, bias: number): Job {
  return add(bias, draws.between(1, ADDER_ELEMS), draws.between(0, 100))
}

function add(bias: number, elems: number, first: number): Job {
  const data = Array.from({ length: elems }, (_, i) => first + i)
  // Whole numbers this small are exact in float32.
  return { input: "x", output: "y", shape: [elems], data, expected: data.map((x) => x + bias), tolerance: 0 }
}

/** Whether these are the job's right numbers, all of them and no others. Sent into pages as text: it names nothing else. */
export function isRight({ expected, tolerance }: Job, values: ArrayLike<number>): boolean {
  // A NaN is within no tolerance.
  return values.length === expected.length && expected.every((x, i) => Math.abs(x - (values[i] as number)) <= tolerance)
}
