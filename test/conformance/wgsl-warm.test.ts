import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { model, value } from "./tiny-models.ts"

let device: GPUDevice
beforeAll(async () => {
  device = await softwareDevice()
})
afterAll(() => device?.destroy())

/** Where open dimensions are equal, which they are first tried as, its sum is computed otherwise than where one is spread over the other. By fours, whatever they are. */
const sum = model({
  inputs: [value("a", "float32", ["m", 4]), value("b", "float32", ["n", 4])],
  outputs: [value("y", "float32", ["k", 4])],
  nodes: [{ opType: "Add", input: ["a", "b"], output: ["y"] }],
})
const fours = (...list: number[]): Tensor => ({
  dtype: "float32",
  shape: [list.length / 4, 4],
  data: Float32Array.from(list),
})

/** Opens the model where no pipeline is compiled yet and runs it twice: what each step compiles, and what the runs say they need. */
async function opened(pipelines?: string[]) {
  const compile = vi.spyOn(device, "createComputePipelineAsync")
  const compiled: number[] = []
  const told: (string[] | undefined)[] = []
  const step = async <T>(work: Promise<T>) => {
    compile.mockClear()
    const done = await work
    compiled.push(compile.mock.calls.length)
    return done
  }
  const session = await step(WgslSession.open(new KernelRuntime(device), sum, pipelines))
  for (let run = 0; run < 2; run++) {
    const { outputs, pipelines } = await step(
      session.run({ a: fours(1, 2, 3, 4), b: fours(1, 2, 3, 4, 5, 6, 7, 8) }, {}),
    )
    expect(outputs.y).toEqual(fours(2, 4, 6, 8, 6, 8, 10, 12))
    told.push(pipelines)
  }
  await session.close()
  vi.restoreAllMocks()
  return { compiled, told }
}

test("a model with open dimensions is opened with the pipelines that its runs needed, and no others", async () => {
  const first = await opened()
  // By ones and by fours, of the sizes that are common.
  expect(first.compiled).toEqual([1, 1, 0])
  expect(first.told).toEqual([[expect.any(String)], undefined])
  expect(await opened(first.told[0])).toEqual({ compiled: [1, 0, 0], told: [undefined, undefined] })
})

test.each([
  ["of kernels that have changed since", (key: string) => key.replace(/"[0-9a-f]{8,}"/, '"0"')],
  ["that do not compile here", (key: string) => key.replace(/64/, "65536")],
  ["that are no pipelines", () => "nothing"],
])("pipelines %s are found out again", async (_, changed) => {
  const [known] = (await opened()).told
  const stored = known!.map(changed)
  expect(stored).not.toEqual(known)
  const { compiled, told } = await opened(stored)
  expect(compiled.slice(1)).toEqual([1, 0])
  expect(told).toEqual([known, undefined])
})
