import { expect, test } from "vitest"
import { MOST_NODE_FLOPS, nodeBound } from "../../engine/backends/node-bound.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { KeptTensor, Tensor } from "../../protocol/index.ts"
import { hugeNode, memoryBomb } from "../attacks/hostile-models.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { digitsModel } from "../support/digits.ts"

const x: Tensor = { dtype: "float32", shape: [1], data: new Float32Array(1) }
// Refused before a byte of it is looked at.
const feeds = (side: number): Record<string, Tensor | KeptTensor> => ({
  x,
  image: { dtype: "float32", shape: [1, 1, side, side], kept: "an image" },
})
const refusal = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
const refused = { code: "IPFA_DEVICE_UNSUPPORTED", message: expect.stringMatching(`Conv huge .*${MOST_NODE_FLOPS}`) }

test("a node of more operations than a GPU is given at once is refused when the model is opened", async () => {
  expect(refusal(() => nodeBound(hugeNode()))).toMatchObject(refused)
  expect(nodeBound(digitsModel)).toBeTypeOf("function")
  // Its x decides no shapes, but might: our kernels' program is made for the first run.
  const session = await WgslSession.open(new KernelRuntime(await softwareDevice()), hugeNode())
  await expect(session.run({ x }, {})).rejects.toMatchObject({ code: refused.code })
  await session.close()
})

test("where what is fed decides, it is refused at the run, and smaller ones go on", () => {
  const check = nodeBound(hugeNode("side"))
  expect(refusal(() => check(feeds(2048)))).toBeUndefined()
  expect(refusal(() => check(feeds(4096)))).toMatchObject(refused)
  expect(refusal(() => check(feeds(4096)))).toMatchObject(refused)
  expect(refusal(() => check(feeds(2049)))).toBeUndefined()
})

test("3 GiB at once, for which a GPU may have room and no binding, are refused by our kernels with both numbers", async () => {
  const session = await WgslSession.open(new KernelRuntime(await softwareDevice()), memoryBomb([3 * 2 ** 14, 2 ** 14]))
  const bytes = 3 * 2 ** 30
  await expect(session.run({ x }, {})).rejects.toMatchObject({ code: "IPFA_DEVICE_MEMORY", data: { bytes } })
  await session.close()
})
