// One node, or a few, on our kernels and on onnxruntime-node.
import * as ort from "onnxruntime-node"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { lower } from "../../engine/backends/wgsl/lower.ts"
import { Lowerable } from "../../engine/backends/wgsl/lowerable.ts"
import { staticBuffers } from "../../engine/backends/wgsl/program.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime, traitsOf } from "../../kernels/index.ts"
import { arrayTypes, type Dtype, type Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { model, type Tiny, value } from "./tiny-models.ts"

type Attribute = NonNullable<Tiny["nodes"][number]["attribute"]>[number]

export interface Given {
  operator: string
  domain?: string
  attributes?: Attribute[]
  /** In order; null is one that is left out. */
  inputs: readonly (Input | null)[]
  /** Types and ranks of the outputs; null is one that is left out. */
  outputs: readonly ([dtype: Dtype, rank: number] | null)[]
  /** How far from onnxruntime-node a float32 may be, of the largest number of its tensor; whole numbers are equal. */
  within?: number
  /** How many outputs are compared, all unless given: caches hold anything behind their sequences. */
  compared?: number
  /** Of ai.onnx, where it is not the models' own. */
  opset?: number
}
/** Nodes with their inputs by name; those that are stored are weights. */
export interface Graph {
  nodes: Tiny["nodes"]
  inputs: Record<string, Input>
  /** Types and ranks, by name. */
  outputs: Record<string, [dtype: Dtype, rank: number]>
  opset?: number
  /** onnxruntime-node runs it as it stands: optimized, it would round activations to 8 bits where weights have 8. */
  asItStands?: boolean
}
export interface Input extends Tensor {
  /** Stored in the model. */
  stored?: boolean
}

export const int = (name: string, i: number): Attribute => ({ name, type: 2, i: BigInt(i) })
export const ints = (name: string, list: number[]): Attribute => ({ name, type: 7, ints: list.map(BigInt) })
export const float = (name: string, f: number): Attribute => ({ name, type: 1, f })
export const text = (name: string, s: string): Attribute => ({ name, type: 3, s: new TextEncoder().encode(s) })

/** Numbers from `low` to `high`, whole ones where the dtype has no others; the same in every run (Park and Miller's minimal standard). */
export function tensor(dtype: Dtype, shape: number[], low = -1, high = 1, seed = 1): Input {
  let state = seed * 7919
  const next = () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  const whole = dtype !== "float32"
  const count = shape.reduce((n, dim) => n * dim, 1)
  const numbers = Array.from({ length: count }, () =>
    whole ? low + Math.floor(next() * (high - low + 1)) : low + next() * (high - low),
  )
  return of(dtype, shape, numbers)
}

/** These numbers. */
export function of(dtype: Dtype, shape: number[], numbers: readonly number[]): Input {
  const list = dtype === "int64" ? numbers.map(BigInt) : numbers
  return {
    dtype,
    shape,
    data: (arrayTypes[dtype as "float32"] as { from(x: unknown): Float32Array<ArrayBuffer> }).from(list),
  }
}

export const texts = (name: string, list: string[]): Attribute => ({
  name,
  type: 8,
  strings: list.map((s) => new TextEncoder().encode(s)),
})

export const stored = (input: Input): Input => ({ ...input, stored: true })

function graphOf({ operator, domain, attributes = [], inputs, outputs, opset }: Given): Graph {
  const present = <T>(list: readonly (T | null)[], letter: string) =>
    Object.fromEntries(list.flatMap((one, i) => (one ? [[`${letter}${i}`, one] as const] : [])))
  return {
    nodes: [
      {
        opType: operator,
        ...(domain && { domain }),
        input: inputs.map((input, i) => (input ? `x${i}` : "")),
        output: outputs.map((output, i) => (output ? `y${i}` : "")),
        attribute: attributes,
      },
    ],
    inputs: present(inputs, "x"),
    outputs: present(outputs, "y"),
    ...(opset !== undefined && { opset }),
  }
}

function modelOf({ nodes, inputs, outputs, opset }: Graph): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(inputs)
  const open = (rank: number, name: string) => Array.from({ length: rank }, (_, axis) => `${name}d${axis}`)
  return model({
    inputs: entries.filter(([, { stored }]) => !stored).map(([name, { dtype, shape }]) => value(name, dtype, shape)),
    outputs: Object.entries(outputs).map(([name, [dtype, rank]]) => value(name, dtype, open(rank, name))),
    nodes,
    weights: entries
      .filter(([, { stored }]) => stored)
      .map(([name, { dtype, shape, data }]) => ({ name, dims: [...shape], data: data as Float32Array, dtype })),
    ...(opset !== undefined && { opset }),
  })
}

const feedsOf = ({ inputs }: Graph) => Object.fromEntries(Object.entries(inputs).filter(([, { stored }]) => !stored))

/** One node. */
export const ours = (runtime: KernelRuntime, given: Given) => computed(runtime, graphOf(given))

export async function computed(runtime: KernelRuntime, graph: Graph): Promise<Record<string, Tensor>> {
  const session = await WgslSession.open(runtime, modelOf(graph))
  try {
    return (await session.run(feedsOf(graph), {})).outputs as Record<string, Tensor>
  } finally {
    await session.close()
  }
}

async function theirs(graph: Graph): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(modelOf(graph), {
    executionProviders: ["cpu"],
    logSeverityLevel: 3,
    ...(graph.asItStands && { graphOptimizationLevel: "disabled" }),
  })
  try {
    const feeds = Object.entries(feedsOf(graph)).map(
      ([name, { dtype, data, shape }]) =>
        [name, new ort.Tensor(dtype as "float32", data as Float32Array, shape)] as const,
    )
    return await session.run(Object.fromEntries(feeds))
  } finally {
    await session.release()
  }
}

/** onnxruntime-node's answer of one node. */
export const theirsOf = (given: Given) => theirs(graphOf(given))

/** The kernels that compute `graph` from its inputs, one after the other. */
function kernelsOf(runtime: KernelRuntime, graph: Graph): string[] {
  const shapes = Object.entries(feedsOf(graph)).map(([name, { shape }]) => [name, shape] as const)
  const program = lower(new Lowerable(modelOf(graph)), Object.fromEntries(shapes), runtime.limits)
  const fixed = staticBuffers(program)
  return program.ops.filter(({ writes }) => !fixed.has(writes)).map(({ step }) => step.work.kernel.name)
}

/** Our answer is onnxruntime-node's. */
async function expectTheirs(
  runtime: KernelRuntime,
  graph: Graph,
  { within = 1e-5, compared }: Pick<Given, "within" | "compared"> = {},
): Promise<void> {
  const [got, want] = [await computed(runtime, graph), await theirs(graph)]
  for (const [name, { dims, data, type }] of Object.entries(want).slice(0, compared)) {
    const { shape, dtype, data: values } = got[name]!
    expect([name, dtype, shape]).toEqual([name, type, dims])
    const right = Array.from(data as ArrayLike<number | bigint>, Number)
    const most = right.reduce((size, x) => Math.max(size, Math.abs(x)), 0)
    const bound = type === "float32" ? within * most : 0
    const wrong = right.findIndex((x, i) => !(Math.abs(Number((values as Float32Array)[i]) - x) <= bound))
    expect(
      wrong < 0 ? undefined : `${name}[${wrong}] is ${(values as Float32Array)[wrong]}, not ${right[wrong]}`,
    ).toBeUndefined()
  }
}

/** Declares tests of operators against onnxruntime-node, on one device for the file; as on a GPU, unless it is `asSoftware`. */
export function onOneDevice({ asSoftware = false } = {}) {
  let runtime: KernelRuntime
  beforeAll(async () => {
    const device = await softwareDevice()
    runtime = new KernelRuntime(device, asSoftware ? traitsOf(device) : undefined)
  })
  afterAll(() => runtime?.device.destroy())
  return {
    runtime: () => runtime,
    agree(operator: string, cases: Record<string, Omit<Given, "operator">>): void {
      describe(`${operator} on our kernels${asSoftware ? " as software adapters plan them" : ""}: onnxruntime-node's numbers`, () => {
        test.each(Object.entries(cases))("%s", (_, given) =>
          expectTheirs(runtime, graphOf({ operator, ...given }), given),
        )
      })
    },
    /** Several nodes, which we may fuse. */
    agreeOn(what: string, graphs: Record<string, Graph>): void {
      describe(`${what} on our kernels: onnxruntime-node's numbers`, () => {
        test.each(Object.entries(graphs))("%s", (_, graph) => expectTheirs(runtime, graph))
      })
    },
    /** As `agreeOn`, by these kernels, one after the other. */
    agreeBy(what: string, graphs: Record<string, Graph & { kernels: string[] }>): void {
      describe(`${what} on our kernels: onnxruntime-node's numbers, by no more kernels than it takes`, () => {
        test.each(Object.entries(graphs))("%s", async (_, { kernels, ...graph }) => {
          expect(kernelsOf(runtime, graph)).toEqual(kernels)
          await expectTheirs(runtime, graph)
        })
      })
    },
  }
}
