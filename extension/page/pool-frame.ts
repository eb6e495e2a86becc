import { browser } from "wxt/browser"
import { FRAME_HELLO, type FrameAnswer } from "../messages.ts"

/** How long the frame may take to say that it reaches the pool, ms. */
const READY_MS = 5000

/** Where messages to the frame may go: the page can't have put another document there. */
const EXTENSION = browser.runtime.getURL("/").slice(0, -1)

/** A hidden frame of the extension, that carries one port of the page to the pool. */
export interface PoolFrame {
  /** False where the page's surroundings don't let it in. */
  readonly ready: Promise<boolean>
  hand(port: MessagePort, life: string): void
  remove(): void
}

export function openFrame(): PoolFrame {
  const { port1: control, port2 } = new MessageChannel()
  const host = document.createElement("ipfs-accelerate")
  host.style.display = "none"
  const frame = document.createElement("iframe")
  frame.src = browser.runtime.getURL("/frame.html")
  frame.title = "ipfs-accelerate"
  frame.tabIndex = -1
  frame.onload = () => frame.contentWindow?.postMessage(FRAME_HELLO, EXTENSION, [port2])
  host.attachShadow({ mode: "closed" }).append(frame)
  const ready = new Promise<boolean>((resolve) => {
    control.onmessage = ({ data }: MessageEvent<FrameAnswer>) => resolve(data === "ready")
    setTimeout(resolve, READY_MS, false)
  })
  void documentElement().then((root) => root.append(host))
  return {
    ready,
    hand: (port, life) => control.postMessage(life, [port]),
    remove: () => host.remove(),
  }
}

/** At document_start there may be none yet. */
function documentElement(): Promise<HTMLElement> {
  return new Promise((resolve) => {
    if (document.documentElement) return resolve(document.documentElement)
    const observer = new MutationObserver(() => {
      if (!document.documentElement) return
      observer.disconnect()
      resolve(document.documentElement)
    })
    observer.observe(document, { childList: true })
  })
}
