import { arrayTypes, type Dtype, type Tensor } from "../../protocol/index.ts"
import { cacheNames, type Drive, type Driven, type Feeds } from "../conformance/drive.ts"

/** A tensor as it travels into a page and out of it: its bytes as base64. */
interface Packed {
  dtype: string
  shape: number[]
  data: string
}
interface Order {
  model: string
  device: string
  /** Feeds of each run; greedy decoding makes its own. */
  runs: Record<string, Packed>[]
  greedy?: { first: number; count: number }
  /** Outputs that are kept → the inputs they feed. */
  carry: Record<string, string>
  initial: Record<string, Packed>
}
interface Ran {
  runs: Record<string, Packed>[]
  tokens: number[]
  bytes: [opened: number, during: number, after: number]
  device: string
}

const pack = (feeds: Feeds): Record<string, Packed> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, data }]) => {
      const { buffer, byteOffset, byteLength } = data as Uint8Array
      return [name, { dtype, shape: [...shape], data: Buffer.from(buffer, byteOffset, byteLength).toString("base64") }]
    }),
  )

function unpack({ dtype, shape, data }: Packed): Tensor {
  const bytes = new Uint8Array(Buffer.from(data, "base64"))
  return { dtype, shape, data: new arrayTypes[dtype as Exclude<Dtype, "string">](bytes.buffer) } as Tensor
}

/**
 * What a page makes of `plan` on `device` by `window.ipfsAccelerate`. `keptBytes` are what its session held more than when it was opened:
 * with its last state, and without. `evaluate` is `page.evaluate`, of Playwright or Puppeteer.
 */
export async function drivePage(
  evaluate: (run: (order: Order) => Promise<Ran>, order: Order) => Promise<Ran>,
  model: string,
  device: string,
  plan: Drive,
): Promise<Driven & { device: string }> {
  const carry = plan.kind === "carried" ? plan.carry : plan.kind === "greedy" ? cacheNames(plan.layers) : {}
  const empty = (input: string) => [input, plan.kind === "greedy" && plan.empty]
  const initial: Feeds = plan.kind === "carried" ? plan.initial : Object.fromEntries(Object.values(carry).map(empty))
  const ran = await evaluate(inPage, {
    model,
    device,
    runs: plan.kind === "greedy" ? [] : plan.runs.map(pack),
    ...(plan.kind === "greedy" && { greedy: { first: plan.first, count: plan.count } }),
    carry,
    initial: pack(initial),
  })
  const outputs = ran.runs.map((run) => Object.fromEntries(Object.entries(run).map(([name, t]) => [name, unpack(t)])))
  const [opened, during, after] = ran.bytes
  const keptBytes = { during: during - opened, after: after - opened }
  return { openMs: 0, runMs: [], outputs, tokens: ran.tokens, keptBytes, device: ran.device }
}

/** Runs in the page: nothing from around it. */
async function inPage({ model, device, runs, greedy, carry, initial }: Order): Promise<Ran> {
  type Kept = Record<string, { data?: ArrayBufferView; dtype: string; shape: number[]; dispose?(): Promise<void> }>
  const arrays = { float32: Float32Array, float16: Uint16Array, int64: BigInt64Array }
  const tensors = (feeds: Record<string, Packed>): Kept =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, shape, data }]) => {
        const { buffer } = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
        return [name, { dtype, shape, data: new arrays[dtype as "float32"](buffer) }]
      }),
    )
  const packed = (outputs: Kept): Record<string, Packed> =>
    Object.fromEntries(
      Object.entries(outputs).flatMap(([name, { dtype, shape, data }]) => {
        if (!data) return []
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        return [[name, { dtype, shape, data: btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join("")) }]]
      }),
    )
  const id = (value: number) => ({ dtype: "int64", shape: [1, 1], data: BigInt64Array.of(BigInt(value)) })
  const session = await window.ipfsAccelerate.load(model, { device })
  const held = async () => (await window.ipfsAccelerate.status()).sessions[0].memoryBytes as number
  const opened = await held()
  const keep = Object.keys(carry)
  let state = tensors(initial)
  const run = async (feeds: Kept): Promise<Kept> => {
    const { outputs } = await session.run({ ...feeds, ...state }, { keep })
    for (const kept of Object.values(state)) await kept.dispose?.()
    state = Object.fromEntries(keep.map((name) => [carry[name], outputs[name]]))
    return outputs
  }
  const answers: Record<string, Packed>[] = []
  for (const feeds of runs) answers.push(packed(await run(tensors(feeds))))
  const tokens: number[] = []
  if (greedy)
    for (let token = greedy.first; tokens.length < greedy.count; tokens.push(token)) {
      const { logits } = await run({ input_ids: id(token), position_ids: id(tokens.length) })
      const scores = logits?.data as Float32Array
      token = scores.indexOf(scores.reduce((a, b) => Math.max(a, b)))
    }
  const during = await held()
  for (const kept of Object.values(state)) await kept.dispose?.()
  const bytes: Ran["bytes"] = [opened, during, await held()]
  return { runs: answers, tokens, bytes, device: session.device.id }
}
