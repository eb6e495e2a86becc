import { expect, test } from "vitest"
import type { BackendSession } from "../../engine/backend.ts"
import { SizedSession, type Sizes } from "../../engine/backends/sized-session.ts"
import type { KeptTensor, Tensor, TensorInfo } from "../../protocol/index.ts"

const x: TensorInfo = { name: "x", dtype: "float32", shape: ["n", 2] }
const z: TensorInfo = { name: "z", dtype: "float32", shape: ["n"] }
const tensor = (...shape: number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
})

/** A device in memory that says what it compiled and freed. */
function sized(inputs = [x]) {
  const log: string[] = []
  let kept = 0
  const open = async (sizes: Sizes): Promise<BackendSession> => {
    const name = JSON.stringify(sizes)
    const held = new Set<string>()
    log.push(`open ${name}`)
    return {
      inputs,
      outputs: [x],
      memoryBytes: 10,
      get keptBytes() {
        return held.size
      },
      async run(_, { keep = [] }) {
        log.push(`run ${name}`)
        const id = `k${++kept}`
        if (keep.length > 0) held.add(id)
        const y: Tensor | KeptTensor = keep.length > 0 ? { dtype: "float32", shape: [], kept: id } : tensor()
        return { outputs: { y }, runMs: 0 }
      },
      release(ids) {
        for (const id of ids) held.delete(id)
      },
      close: async () => {
        log.push(`close ${name}`)
      },
    }
  }
  return { session: new SizedSession({ inputs, outputs: [x], memoryBytes: 10, open }), log }
}

const keptOf = (outputs: Record<string, Tensor | KeptTensor>) => outputs.y as KeptTensor

test("each set of sizes is compiled once", async () => {
  const { session, log } = sized()
  for (const n of [1, 2, 1]) await session.run({ x: tensor(n, 2) }, {})
  expect(log).toEqual(['open {"n":1}', 'run {"n":1}', 'open {"n":2}', 'run {"n":2}', 'run {"n":1}'])
  expect(session.memoryBytes).toBe(20)
})

test("the size used longest ago makes room, but not one that keeps tensors", async () => {
  const { session, log } = sized()
  const { outputs } = await session.run({ x: tensor(1, 2) }, { keep: ["y"] })
  for (const n of [2, 3, 4, 5]) await session.run({ x: tensor(n, 2) }, {})
  expect(log.filter((line) => line.startsWith("close"))).toEqual(['close {"n":2}'])
  session.release([keptOf(outputs).kept])
  await session.run({ x: tensor(6, 2) }, {})
  expect(log.filter((line) => line.startsWith("close"))).toEqual(['close {"n":2}', 'close {"n":1}'])
})

test("one symbol with two sizes is IPFA_INPUT_SHAPE", async () => {
  const { session } = sized([x, z])
  const run = session.run({ x: tensor(2, 2), z: tensor(3) }, {})
  await expect(run).rejects.toMatchObject({ code: "IPFA_INPUT_SHAPE", data: { path: "feeds.z.shape.0" } })
})

test("a kept tensor feeds runs of the sizes it was kept at, and no others", async () => {
  const { session } = sized([x, z])
  const { outputs } = await session.run({ x: tensor(2, 2), z: tensor(2) }, { keep: ["y"] })
  const kept = { ...keptOf(outputs), shape: [2] }
  await session.run({ x: tensor(2, 2), z: kept }, {})
  const other = session.run({ x: tensor(3, 2), z: { ...kept, shape: [3] } }, {})
  await expect(other).rejects.toMatchObject({ code: "IPFA_INPUT_SHAPE", data: { path: "feeds.z" } })
})

test("closing it closes all that it holds", async () => {
  const { session, log } = sized()
  for (const n of [1, 2]) await session.run({ x: tensor(n, 2) }, {})
  await session.close()
  expect(log.slice(-2)).toEqual(['close {"n":1}', 'close {"n":2}'])
})
