/** What the cases do with a device, over the protocol. Runs in Node and, bundled, in the page under test. */
import type { KeptTensor, MethodName, Methods, ParamsIn, Peer, ResultOf, Tensor } from "../../protocol/index.ts"

export type Feeds = Record<string, Tensor>
type Answer = Record<string, Tensor | KeptTensor>

/** One way to use a model. */
export type Drive =
  /** Independent runs, all of them `times` over. */
  | { kind: "runs"; runs: Feeds[]; times?: number }
  /** Runs whose outputs stay on the device and feed the next run: `carry` is output → input, `initial` what those inputs hold first. */
  | { kind: "carried"; runs: Feeds[]; carry: Record<string, string>; initial: Feeds }
  /** Greedy decoding, one token a run from `first`, the KV cache kept on the device. */
  | { kind: "greedy"; first: number; count: number; layers: number; empty: Tensor }

/** What came out: the tensors of each run, or the tokens. Whether anything that was kept came back is `leaked`. */
export interface Driven {
  openMs: number
  note?: string
  runMs: number[]
  outputs: Record<string, Tensor>[]
  tokens: number[]
  keptBytes: { during: number; after: number }
}

export async function drive(
  peer: Peer<unknown>,
  device: string,
  model: Uint8Array<ArrayBuffer> | string,
  plan: Drive,
  onRun?: () => void,
): Promise<Driven> {
  const call = <N extends MethodName>(name: N, params: ParamsIn<Methods[N]>): Promise<ResultOf<Methods[N]>> =>
    peer.call(name, params, { deadlineMs: 120_000 })
  const { handle, openMs, note } = await call("device.open", { device, model })
  const driven: Driven = { openMs, note, runMs: [], outputs: [], tokens: [], keptBytes: { during: 0, after: 0 } }
  const keptBytes = async () => {
    const { sessions } = await call("device.memory", {})
    return sessions.find((s) => s.handle === handle)?.keptBytes ?? -1
  }
  const run = async (feeds: Answer, carry: Record<string, string> = {}, previous: Answer = {}): Promise<Answer> => {
    const { outputs, runMs } = await call("device.run", { handle, feeds, keep: Object.keys(carry) })
    driven.runMs.push(runMs)
    onRun?.()
    const old = Object.values(previous).flatMap((t) => ("kept" in t ? [t.kept] : []))
    if (old.length > 0) await call("device.release", { handle, kept: old })
    driven.outputs.push(dataOf(outputs))
    return Object.fromEntries(Object.entries(carry).map(([out, input]) => [input, outputs[out] as KeptTensor]))
  }

  if (plan.kind === "runs") for (let i = 0; i < (plan.times ?? 1); i++) for (const feeds of plan.runs) await run(feeds)
  else {
    const carry = plan.kind === "carried" ? plan.carry : cacheNames(plan.layers)
    let carried: Answer =
      plan.kind === "carried"
        ? plan.initial
        : (Object.fromEntries(
            Object.values(carry).map((input) => [input, { ...plan.empty, data: plan.empty.data.slice() }]),
          ) as Feeds)
    if (plan.kind === "carried")
      for (const feeds of plan.runs) carried = await run({ ...feeds, ...carried }, carry, carried)
    else
      for (let token = plan.first, at = 0; at < plan.count; at++) {
        carried = await run({ input_ids: id(token), position_ids: id(at), ...carried }, carry, carried)
        const { logits } = driven.outputs.pop() as { logits: Tensor<"float32"> }
        token = argmax(logits.data)
        driven.tokens.push(token)
      }
    driven.keptBytes.during = await keptBytes()
    await call("device.release", { handle, kept: Object.values(carried).flatMap((t) => ("kept" in t ? [t.kept] : [])) })
    driven.keptBytes.after = await keptBytes()
  }
  await call("device.close", { handle })
  return driven
}

function dataOf(outputs: Answer): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(outputs).flatMap(([name, t]) => ("data" in t ? [[name, t]] : [])))
}

export function cacheNames(layers: number): Record<string, string> {
  const names = Array.from({ length: layers }, (_, i) => ["key", "value"].map((part) => [i, part] as const)).flat()
  return Object.fromEntries(names.map(([i, part]) => [`present.${i}.${part}`, `past_key_values.${i}.${part}`]))
}

function id(value: number): Tensor<"int64"> {
  return { dtype: "int64", shape: [1, 1], data: BigInt64Array.of(BigInt(value)) }
}

export function argmax(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
