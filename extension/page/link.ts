import { browser } from "wxt/browser"
import { extensionPort } from "../../protocol/transports/extension-port.ts"
import { messagePort } from "../../protocol/transports/message-port.ts"
import { askBackground } from "../ask-background.ts"
import { HAS_BACKGROUND_PAGE } from "../background-page.ts"
import {
  CONNECT,
  CONNECTED,
  FAILED_EVENT,
  HERE_EVENT,
  LIFE_PORT,
  LOAD_EVENT,
  LOST_EVENT,
  type PageNotice,
  POOL_PORT,
  TAKEOVER_EVENT,
} from "../messages.ts"
import { openFrame, type PoolFrame } from "./pool-frame.ts"
import { relay } from "./relay.ts"

/** Attempts that go by the frame, before the extension port stands in. */
const FRAME_ATTEMPTS = 2

/** The content script: brings in the page script when it is first needed, and sends the page's port on its way. */
export function linkPage(): void {
  if (!isSecureContext || origin === "null") return
  document.dispatchEvent(new CustomEvent(TAKEOVER_EVENT))
  // What the page has of the extension that was here before is gone with it.
  document.dispatchEvent(new CustomEvent(LOST_EVENT))
  const here = new AbortController()
  const { signal } = here
  document.addEventListener(TAKEOVER_EVENT, () => here.abort(), { once: true })

  /** Of the last attempt. */
  let frame: PoolFrame | undefined
  let endLife: (() => void) | undefined
  const connect = async (port: MessagePort, attempt: number) => {
    frame?.remove()
    endLife?.()
    const opened = attempt < FRAME_ATTEMPTS && !closedToFrames() ? openFrame() : undefined
    frame = opened
    const isReady = await opened?.ready
    // The page has gone on to another attempt meanwhile.
    if (frame !== opened) return
    if (!isReady) return standIn(port)
    const life = beginLife()
    endLife = life.end
    opened?.hand(port, life.id)
  }

  document.addEventListener(HERE_EVENT, (event) => event.preventDefault(), { signal })
  document.addEventListener(LOAD_EVENT, () => void inject(), { signal })
  window.addEventListener(
    "message",
    ({ source, data, ports: [port] }: MessageEvent<PageNotice | undefined>) => {
      if (source !== window) return
      if (data?.type === CONNECT && port) connect(port, data.attempt).catch(fail)
      // The port stays when the frame that carried it goes.
      else if (data?.type === CONNECTED) frame?.remove()
    },
    { signal },
  )
}

/**
 * Extension pages have no COEP header there, so that a page which is isolated by it takes no frame of theirs; and in a private window they
 * have a SharedWorker apart from the background page's.
 */
const closedToFrames = () => HAS_BACKGROUND_PAGE && (crossOriginIsolated || browser.extension.inIncognitoContext)

async function inject(): Promise<void> {
  await askBackground({ type: "inject" }).catch(fail)
}

/** Tells the pool when the page ends, and the page when the pool does: their MessagePort tells neither. */
function beginLife(): { id: string; end(): void } {
  const id = crypto.randomUUID()
  const port = browser.runtime.connect({ name: LIFE_PORT + id })
  port.onDisconnect.addListener(() => {
    // Read, so that Chromium doesn't log it.
    void browser.runtime.lastError
    document.dispatchEvent(new CustomEvent(LOST_EVENT))
  })
  return { id, end: () => port.disconnect() }
}

/** An extension port, for pages whose surroundings let no frame in. */
async function standIn(port: MessagePort): Promise<void> {
  await askBackground({ type: "supervisor" })
  relay(messagePort(port), extensionPort(browser.runtime.connect({ name: POOL_PORT }), { structuredClone: true }))
}

/** Tells the page: after an update or removal nothing of the extension can be called from here any more. */
function fail(): void {
  const code = browser.runtime?.id ? "IPFA_EXTENSION_ABSENT" : "IPFA_EXTENSION_UPDATED"
  document.dispatchEvent(new CustomEvent(FAILED_EVENT, { detail: code }))
}
