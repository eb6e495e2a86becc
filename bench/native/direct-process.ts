import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { processorMs } from "../../test/support/processes.ts"
import type { Burst, BurstPlan } from "../burst.ts"
import type { BenchModel, Feed } from "../models.ts"
import type { Answer, Order } from "./direct.ts"

/** onnxruntime-node in a process of its own. */
export class DirectProcess {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(new URL("direct.ts", import.meta.url), { serialization: "advanced" })
  }

  /** Resolves with one run's outputs. */
  open({ file }: BenchModel, threads: number, feeds: Record<string, Feed>): Promise<Record<string, Float32Array>> {
    return this.#ask({ open: { file, threads, feeds } }) as Promise<Record<string, Float32Array>>
  }

  burst(plan: BurstPlan): Promise<Burst> {
    return this.#ask({ burst: plan }) as Promise<Burst>
  }

  /** Processor time that it has taken so far, ms. */
  processorMs(): number | undefined {
    return processorMs([this.#child.pid as number])
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, "exit")
  }

  #ask(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const exited = () => reject(new Error("The process that calls onnxruntime-node ended."))
      this.#child.once("exit", exited)
      this.#child.once("message", (answer: Answer) => {
        this.#child.off("exit", exited)
        resolve(answer)
      })
      this.#child.send(order)
    })
  }
}
