import type { BrowserContext, CDPSession } from "playwright-core"

/** The whole browser over its DevTools protocol: Playwright shows neither offscreen documents nor their workers. */
export interface Devtools {
  /** The first target whose URL contains `text`; undefined where there is none. */
  target(text: string): Promise<string | undefined>
  /** The dedicated worker of that name. Ask while it is idle: one that computes does not answer. */
  worker(name: string): Promise<string | undefined>
  /** The value of `expression` in that target, awaited. */
  evaluate<T>(targetId: string, expression: string): Promise<T>
  close(targetId: string): Promise<void>
}

interface Answer {
  id?: number
  result?: { result: { value: unknown }; exceptionDetails?: { text: string } }
}

export async function devtools(context: BrowserContext): Promise<Devtools> {
  const browser = context.browser()
  if (!browser) throw new Error("this context has no browser of its own")
  const session = await browser.newBrowserCDPSession()
  let next = 0
  const targets = async () => (await session.send("Target.getTargets")).targetInfos
  const evaluate = async <T>(targetId: string, expression: string) => {
    const { sessionId } = await session.send("Target.attachToTarget", { targetId, flatten: false })
    try {
      return (await ask(session, sessionId, ++next, expression)) as T
    } finally {
      await session.send("Target.detachFromTarget", { sessionId }).catch(() => undefined)
    }
  }
  return {
    evaluate,
    target: async (text) => (await targets()).find(({ url }) => url.includes(text))?.targetId,
    async worker(name) {
      for (const { type, targetId } of await targets())
        if (type === "worker" && (await evaluate(targetId, "self.name")) === name) return targetId
      return undefined
    },
    close: async (targetId) => void (await session.send("Target.closeTarget", { targetId })),
  }
}

function ask(session: CDPSession, sessionId: string, id: number, expression: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      session.off("Target.receivedMessageFromTarget", onMessage)
      session.off("Target.detachedFromTarget", onDetached)
      end()
    }
    const onMessage = ({ sessionId: from, message }: { sessionId: string; message: string }) => {
      const answer = JSON.parse(message) as Answer
      if (from !== sessionId || answer.id !== id) return
      const { result } = answer
      settle(() =>
        result?.exceptionDetails ? reject(new Error(result.exceptionDetails.text)) : resolve(result?.result.value),
      )
    }
    // What was evaluated ended its own target.
    const onDetached = ({ sessionId: from }: { sessionId: string }) => {
      if (from === sessionId) settle(() => resolve(undefined))
    }
    session.on("Target.receivedMessageFromTarget", onMessage)
    session.on("Target.detachedFromTarget", onDetached)
    const params = { expression, awaitPromise: true, returnByValue: true }
    session
      .send("Target.sendMessageToTarget", {
        sessionId,
        message: JSON.stringify({ id, method: "Runtime.evaluate", params }),
      })
      .catch((error: unknown) => settle(() => reject(error)))
  })
}
