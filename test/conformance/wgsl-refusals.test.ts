import { afterAll, beforeAll, expect, test } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { Dtype, Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { model, type Tiny, value } from "./tiny-models.ts"

let runtime: KernelRuntime
beforeAll(async () => {
  runtime = new KernelRuntime(await softwareDevice())
})
afterAll(() => runtime?.device.destroy())

type Node = Tiny["nodes"][number]
const node = (opType: string, input: string[], output: string, attribute: Node["attribute"] = []): Node => ({
  opType,
  name: `the ${output}`,
  input,
  output: [output],
  attribute,
})
/** What Pad may be made to do one day. */
const circular = [{ name: "mode", type: 3, s: new TextEncoder().encode("circular") }]
const pads = { name: "pads", dims: [4], dtype: "int64" as const, data: new Uint8Array(32) }
const matrix = (rows: number | string, dtype: Dtype = "float32") => value("x", dtype, [rows, 3])
const open = (tiny: Tiny) => WgslSession.open(runtime, model(tiny))

test.each([4, "n"])(
  "all operators and nodes of a model that can't run are named when it is opened, and none that only comes behind one: %s rows",
  async (rows) => {
    const opening = open({
      inputs: [matrix(rows)],
      outputs: [value("y", "float32", [rows, 3]), value("z", "float64", [rows, 3])],
      weights: [pads],
      nodes: [
        node("Pad", ["x", "pads"], "first", circular),
        node("Relu", ["first"], "second"),
        node("Pad", ["second", "pads"], "third", circular),
        node("NonZero", ["third"], "fourth"),
        node("Cast", ["fourth"], "fifth", [{ name: "to", type: 2, i: 1n }]),
        node("Unique", ["fifth"], "sixth"),
        node("Add", ["third", "second"], "y"),
        node("Cast", ["third"], "z", [{ name: "to", type: 2, i: 11n }]),
      ],
    })
    await expect(opening).rejects.toMatchObject({
      code: "IPFA_DEVICE_UNSUPPORTED",
      message:
        "Our kernels can't run this model: they have no NonZero, Unique; " +
        "Pad the first, the third: its mode is circular; Cast the z: they compute no float64.",
      data: {
        operators: ["Pad", "NonZero", "Unique", "Cast"],
        nodes: ["Pad the first", "Pad the third", "NonZero the fourth", "Unique the sixth", "Cast the z"].map((name) =>
          expect.objectContaining({ operator: name.split(" ")[0], node: name.slice(name.indexOf(" ") + 1) }),
        ),
      },
    })
  },
)

test("what no input of a model is computed as is named, too", async () => {
  const nodes = [node("Neg", ["x"], "y")]
  const opening = open({ inputs: [matrix("n", "float64" as Dtype)], outputs: [value("y", "float32", ["n", 3])], nodes })
  await expect(opening).rejects.toMatchObject({ message: expect.stringContaining("they compute no float64") })
})

test("of very many nodes a hundred are named and the others counted", async () => {
  const nodes = Array.from({ length: 150 }, (_, i) => node("Pad", ["x", "pads"], i === 0 ? "y" : `y${i}`, circular))
  const outputs = nodes.map(({ output }) => value(output[0]!, "float32", [2, 3]))
  await expect(open({ inputs: [matrix(2)], outputs, nodes, weights: [pads] })).rejects.toMatchObject({
    message: expect.stringMatching(/^[^;]*the y99: its mode is circular; and 50 more of its nodes\.$/),
  })
})

test("what only the sizes tried when a model is opened don't fit is left to the run, and runs where its own do", async () => {
  const session = await open({
    inputs: [value("x", "float32", ["n", 1, "height", "width"])],
    outputs: [value("y", "float32", ["n", 1, "below", "across"])],
    weights: [{ name: "w", dims: [1, 1, 40, 40], data: new Float32Array(1600).fill(1) }],
    nodes: [node("Conv", ["x", "w"], "y")],
  })
  const image = (side: number): Tensor => ({
    dtype: "float32",
    shape: [1, 1, side, side],
    data: new Float32Array(side * side).fill(0.5),
  })
  const { outputs } = await session.run({ x: image(41) }, {})
  expect(outputs.y).toEqual({ dtype: "float32", shape: [1, 1, 2, 2], data: new Float32Array(4).fill(800) })
  await expect(session.run({ x: image(39) }, {})).rejects.toMatchObject({ code: expect.stringMatching(/^IPFA_/) })
  await session.close()
})

test("what the elements of an input may decide is left to the run, and refused when the model is opened where there is no such input", async () => {
  const reshape = (target: Node, inputs: Tiny["inputs"]) =>
    open({
      inputs: [matrix("n"), ...inputs],
      outputs: [value("y", "float32", ["rows", "cols"])],
      nodes: [target, node("Reshape", ["x", "to"], "y")],
    })
  const session = await reshape(node("Add", ["given", "given"], "to"), [value("given", "int64", [2])])
  const { outputs } = await session.run(
    {
      x: { dtype: "float32", shape: [4, 3], data: new Float32Array(12) },
      given: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 3n) },
    },
    {},
  )
  expect(outputs.y).toMatchObject({ shape: [2, 6] })
  await session.close()
  const computed = node("Cast", ["x"], "to", [{ name: "to", type: 2, i: 7n }])
  await expect(reshape(computed, [])).rejects.toMatchObject({ code: "IPFA_DEVICE_UNSUPPORTED" })
})
