import { fail } from "../../protocol/errors/error.ts"
import { type Contract, PeerCore } from "../../protocol/peer-core.ts"
import { messagePort } from "../../protocol/transports/message-port.ts"
import { CONNECT, CONNECTED, FAILED_EVENT, LOST_EVENT, type PageNotice } from "../messages.ts"

/** How long the pool may take to answer before another way is tried, ms. Starting the offscreen document takes about 300. */
const ANSWER_MS = 8000
const ATTEMPTS = 3

/** The pool is the same extension that this script came from, and checks what it gets: schemas here would only weigh the page down. */
const trusting: Contract = {
  message: (raw) => raw as ReturnType<Contract["message"]>,
  method: (name) => ({ name, event: {} }) as unknown as ReturnType<Contract["method"]>,
  check: (_method, _part, value) => value,
}

let current: Promise<PeerCore> | undefined

/** The page's connection to the pool; a new one where the last has ended. */
export function pool(): Promise<PeerCore> {
  current ??= connect().then(
    (peer) => {
      const lost = () => peer.close()
      document.addEventListener(LOST_EVENT, lost)
      void peer.closed.then(() => {
        document.removeEventListener(LOST_EVENT, lost)
        forget()
      })
      return peer
    },
    (error: unknown) => {
      forget()
      throw error
    },
  )
  return current
}

function forget(): void {
  current = undefined
}

async function connect(): Promise<PeerCore> {
  let answer: boolean | string = false
  for (let attempt = 0; attempt < ATTEMPTS && !answer; attempt++) {
    const { port1, port2 } = new MessageChannel()
    const peer = new PeerCore(messagePort(port1), { role: "page" }, trusting)
    tell({ type: CONNECT, attempt }, [port2])
    answer = await answerOf(peer)
    if (answer === true) {
      tell({ type: CONNECTED, attempt })
      return peer
    }
    peer.close()
  }
  throw fail(answer === "IPFA_EXTENSION_UPDATED" ? answer : "IPFA_EXTENSION_ABSENT", {
    message: "The extension does not answer. Reload the page.",
  })
}

function tell(notice: PageNotice, transfer: Transferable[] = []): void {
  window.postMessage(notice, "/", transfer)
}

/** Whether the pool answers over that way; the code that the content script failed with, where it did. */
function answerOf(peer: PeerCore): Promise<boolean | string> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ANSWER_MS, false)
    const failed = (event: Event) => resolve((event as CustomEvent<string>).detail)
    document.addEventListener(FAILED_EVENT, failed, { once: true })
    void peer.ready.then((ready) => {
      clearTimeout(timer)
      document.removeEventListener(FAILED_EVENT, failed)
      resolve(ready)
    })
  })
}
