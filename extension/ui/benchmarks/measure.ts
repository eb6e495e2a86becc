import { trialFeeds } from "../../../engine/pool/trial-feeds.ts"
import type { EventOf, Methods, Peer, ResultOf, TensorInfo } from "../../../protocol/index.ts"

/** On each device; there are fewer where they take long. */
const SAMPLES = 20
const BUDGET_MS = 5000

export interface MeasureOptions {
  /** All devices where absent. */
  devices?: string[]
  signal: AbortSignal
  onProgress(event: EventOf<Methods["benchmark.run"]>): void
}

/** Measures the model with numbers of its own, on inputs as small as it takes. */
export async function measure(
  peer: Peer,
  model: string,
  { devices, signal, onProgress }: MeasureOptions,
): Promise<ResultOf<Methods["benchmark.run"]>> {
  const { sessionId, inputs } = await peer.call("session.open", { model }, { signal })
  await peer.call("session.close", { sessionId })
  const feeds = trialFeeds(Object.fromEntries(inputs.map((input) => [input.name, smallest(input)])))
  const request = { model, devices, feeds, samples: SAMPLES, budgetMs: BUDGET_MS }
  return peer.call("benchmark.run", request, { signal, onEvent: onProgress })
}

/** A dimension that is open is 1. */
function smallest({ dtype, shape }: TensorInfo) {
  return { dtype, shape: shape.map((dim) => (typeof dim === "number" && dim > 0 ? dim : 1)) }
}
