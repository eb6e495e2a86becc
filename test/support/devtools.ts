import type { BrowserContext } from "playwright-core"

/** The whole browser over its DevTools protocol: Playwright shows neither offscreen documents nor their workers. */
export interface Devtools {
  /** The first target whose URL contains `text`; undefined where there is none. */
  target(text: string): Promise<string | undefined>
  /** The value of `expression` in that target, awaited. */
  evaluate<T>(targetId: string, expression: string): Promise<T>
  /** The value of `expression` in the dedicated worker of that name that belongs to the target, awaited. */
  evaluateInWorker<T>(targetId: string, name: string, expression: string): Promise<T>
  /** Sends a command to the target, whose effect lasts until the function that it resolves with is called. */
  override(targetId: string, method: string, params: object): Promise<() => Promise<void>>
  /** Ends that worker; false where there is none. */
  killWorker(targetId: string, name: string): Promise<boolean>
  close(targetId: string): Promise<void>
  /** Closes the next page that opens before any script runs in it; resolves with a promise of that. */
  closeNext(): Promise<{ closed: Promise<void> }>
  /** The browser's processes, by their ids in the system. */
  processes(): Promise<{ type: string; id: number }[]>
}

interface Attached {
  sessionId: string
  targetInfo: { title: string }
}

interface Evaluated {
  result: { value?: unknown }
  exceptionDetails?: { exception?: { description?: string } }
}

function evaluated<T>({ result, exceptionDetails }: Evaluated): T {
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description)
  return result.value as T
}

export async function devtools(context: BrowserContext): Promise<Devtools> {
  const browser = context.browser()
  if (!browser) throw new Error("this context has no browser of its own")
  const session = await browser.newBrowserCDPSession()
  const attached = new Map<string, Target>()
  session.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => attached.get(sessionId)?.receive(message))
  session.on("Target.detachedFromTarget", ({ sessionId }) => {
    attached.get(sessionId)?.end()
    attached.delete(sessionId)
  })

  async function attach(targetId: string): Promise<Target> {
    const { sessionId } = await session.send("Target.attachToTarget", { targetId, flatten: false })
    const target = new Target(
      (message) => session.send("Target.sendMessageToTarget", { sessionId, message }),
      () => session.send("Target.detachFromTarget", { sessionId }),
    )
    attached.set(sessionId, target)
    return target
  }

  /** What `expression` is in the worker of that name, which answers only over a session of the page it belongs to: "gone" where it ended meanwhile, undefined where there is none. */
  async function askWorker(
    targetId: string,
    name: string,
    expression: string,
    awaitPromise: boolean,
  ): Promise<Evaluated | "gone" | undefined> {
    const target = await attach(targetId)
    try {
      let sessionId: string | undefined
      target.on("Target.attachedToTarget", (event) => {
        const attached = event as Attached
        if (attached.targetInfo.title === name) sessionId = attached.sessionId
      })
      const answered = new Promise<Evaluated | "gone">((resolve) => {
        target.on("Target.receivedMessageFromTarget", (event) => {
          const { id, result } = JSON.parse((event as { message: string }).message) as {
            id?: number
            result: Evaluated
          }
          if (id === 1) resolve(result)
        })
        target.on("Target.detachedFromTarget", (event) => {
          if ((event as Attached).sessionId === sessionId) resolve("gone")
        })
        void target.ended.then(() => resolve("gone"))
      })
      // Tells of the workers that there are before it is answered.
      await target.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
      if (!sessionId) return undefined
      const params = { expression, awaitPromise, returnByValue: true }
      const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params })
      await target.send("Target.sendMessageToTarget", { sessionId, message })
      return await answered
    } finally {
      await target.detach()
    }
  }

  async function evaluateInWorker<T>(targetId: string, name: string, expression: string): Promise<T> {
    const answer = await askWorker(targetId, name, expression, true)
    if (answer === undefined || answer === "gone") throw new Error(`There is no worker ${name}.`)
    return evaluated(answer)
  }

  return {
    async target(text) {
      const { targetInfos } = await session.send("Target.getTargets")
      return targetInfos.find(({ url }) => url.includes(text))?.targetId
    },
    async evaluate<T>(targetId: string, expression: string) {
      const target = await attach(targetId)
      try {
        const params = { expression, awaitPromise: true, returnByValue: true }
        return evaluated<T>((await target.send("Runtime.evaluate", params)) as Evaluated)
      } finally {
        await target.detach()
      }
    },
    evaluateInWorker,
    async override(targetId, method, params) {
      const target = await attach(targetId)
      await target.send(method, params)
      return () => target.detach()
    },
    // One that ends awaits nothing more, and may not answer any more either.
    killWorker: async (targetId, name) => (await askWorker(targetId, name, "self.close()", false)) !== undefined,
    async closeNext() {
      const page = { type: "page", exclude: false }
      const opened = new Promise<string>((resolve) =>
        session.on("Target.attachedToTarget", ({ waitingForDebugger, targetInfo }) => {
          if (waitingForDebugger) resolve(targetInfo.targetId)
        }),
      )
      const held = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true, filter: [page] }
      await session.send("Target.setAutoAttach", held)
      const close = async () => {
        await session.send("Target.closeTarget", { targetId: await opened })
        await session.send("Target.setAutoAttach", { autoAttach: false, waitForDebuggerOnStart: false, flatten: true })
      }
      return { closed: close() }
    },
    close: async (targetId) => void (await session.send("Target.closeTarget", { targetId })),
    processes: async () => (await session.send("SystemInfo.getProcessInfo")).processInfo,
  }
}

/** One attached target, by messages as text. */
class Target {
  readonly #post: (message: string) => Promise<unknown>
  readonly #detach: () => Promise<unknown>
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  readonly #listeners: [method: string, listener: (params: unknown) => void][] = []
  readonly #ended = Promise.withResolvers<void>()
  #next = 1

  constructor(post: (message: string) => Promise<unknown>, detach: () => Promise<unknown>) {
    this.#post = post
    this.#detach = detach
  }

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  send(method: string, params: object): Promise<unknown> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#post(JSON.stringify({ id, method, params })).catch(reject)
    })
  }

  on(method: string, listener: (params: unknown) => void): void {
    this.#listeners.push([method, listener])
  }

  receive(text: string): void {
    const message = JSON.parse(text) as { id?: number; result?: unknown; method?: string; params?: unknown }
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.resolve(message.result)
      this.#waiting.delete(message.id)
    }
    for (const [method, listener] of this.#listeners) if (method === message.method) listener(message.params)
  }

  /** It is gone, and answers nothing any more. */
  end(): void {
    this.#ended.resolve()
    for (const { reject } of this.#waiting.values()) reject(new Error("The target is gone."))
    this.#waiting.clear()
  }

  async detach(): Promise<void> {
    // It may be gone by itself.
    await this.#detach().catch(() => undefined)
  }
}
