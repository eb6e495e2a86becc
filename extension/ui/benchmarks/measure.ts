import { smallestForms, trialFeeds } from "../../../engine/pool/trial-feeds.ts"
import type { EventOf, Methods, Peer, ResultOf } from "../../../protocol/index.ts"

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
  const feeds = trialFeeds(smallestForms(inputs))
  const request = { model, devices, feeds, samples: SAMPLES, budgetMs: BUDGET_MS }
  return peer.call("benchmark.run", request, { signal, onEvent: onProgress })
}
