import { type BridgeAccelerator, connect } from "../../../sdk/connect.ts"
import type { Tensor } from "../../../sdk/types.ts"
import type { Draws } from "./draws.ts"
import { type Batch, drawBatch, drawLongBatch, firstBatches, models, type Outcome } from "./jobs.ts"
import { type Allowed, failureOf, type Ledger, type Step } from "./ledger.ts"

/** What a Node program says of where its jobs are to run: a kind of device, whoever has it, or nothing. */
export interface Target {
  device?: string
}

export interface NodeActorOptions {
  name: string
  bridge: { ws: string; token: string }
  targets: readonly Target[]
  draws: Draws
  ledger: Ledger
}

const CANCELLED = ["IPFA_JOB_CANCELLED"]
const CLOSED = ["IPFA_PROTOCOL_CLOSED"]
const WEIGHTS = { run: 6, abort: 3, leave: 1 }

/** A Node program that has the fleet compute, changes its mind, and leaves in the middle. */
export class NodeActor {
  readonly #options: NodeActorOptions
  #fleet!: BridgeAccelerator
  #steps = 0

  constructor(options: NodeActorOptions) {
    this.#options = options
  }

  /** Connects, and runs each model once on each target. */
  async start(): Promise<void> {
    const step = this.#step("start")
    if (!(await step.act(() => this.#connect()))) return
    for (const target of this.#options.targets)
      for (const batch of firstBatches) await step.batch(batch, () => this.#run(batch, target))
  }

  /** One action, to its end. */
  async act(): Promise<void> {
    const { draws, targets } = this.#options
    const action = draws.weighed(WEIGHTS)
    const target = draws.pick(targets)
    const step = this.#step(action)
    if (action === "leave") {
      const batch = drawLongBatch(draws)
      const first = Promise.withResolvers<void>()
      const outcomes = this.#run(batch, target, first.resolve)
      const left = first.promise.then(() => this.#fleet.close())
      await step.batch(batch, () => outcomes, CLOSED)
      await step.act(async () => {
        await left
        await this.#connect()
      })
      return
    }
    const batch = drawBatch(draws)
    let allowed: Allowed = []
    if (action === "abort") {
      batch.abortAfter = draws.between(1, batch.jobs.length)
      allowed = CANCELLED
    }
    await step.batch(batch, () => this.#run(batch, target), allowed)
  }

  close(): Promise<void> {
    return this.#fleet?.close()
  }

  #step(action: string): Step {
    return this.#options.ledger.step(this.#options.name, ++this.#steps, action)
  }

  async #connect(): Promise<void> {
    const { ws: url, token } = this.#options.bridge
    this.#fleet = await connect({ url, token })
  }

  /** `onFirst` is called when the first job has ended, or none ever will. */
  async #run({ model, jobs, abortAfter }: Batch, target: Target, onFirst = () => {}): Promise<Outcome[]> {
    const controller = new AbortController()
    let count = 0
    try {
      const session = await this.#fleet.load(models[model] as Uint8Array, target)
      const outcomes = await Promise.all(
        jobs.map(async ({ input, output, shape, data }): Promise<Outcome> => {
          try {
            const feeds = { [input]: { dtype: "float32" as const, shape, data: Float32Array.from(data) } }
            const { outputs } = await session.run(feeds, { signal: controller.signal })
            return { values: [...(outputs[output] as Tensor<"float32">).data] }
          } catch (error) {
            return failureOf(error)
          } finally {
            if (++count === abortAfter) controller.abort()
            onFirst()
          }
        }),
      )
      await session.dispose()
      return outcomes
    } finally {
      onFirst()
    }
  }
}
