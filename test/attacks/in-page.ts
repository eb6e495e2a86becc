import type { PageFault } from "../support/extension.ts"

// What a hostile page does, in a browser of either kind: functions that run in the page, and take what they need as one argument.

export type Heard = Record<"frame" | "pool", string>

/** Embeds `src`, as the attributes say. Resolves with the frame once it has loaded. */
export async function embedIn([src, attributes]: [string, Record<string, string>]): Promise<HTMLIFrameElement> {
  const frame = document.createElement("iframe")
  for (const [name, value] of Object.entries(attributes)) frame.setAttribute(name, value)
  if (src) frame.src = src
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve))
  document.body.append(frame)
  await loaded
  return frame
}

/** The code that the page's API answers `status` with; `served`, or `no API`. */
export async function statusIn(): Promise<string> {
  if (!window.ipfsAccelerate) return "no API"
  return window.ipfsAccelerate.status().then(
    () => "served",
    (e: PageFault) => e.code,
  )
}

/** Embeds the extension's own frame by hand, and says to it what the content script would. What comes of it is in `window.heard`. */
export async function callFrameIn(src: string): Promise<void> {
  const heard: Heard = { frame: "silent", pool: "silent" }
  Object.assign(window, { heard })
  const frame = document.createElement("iframe")
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve))
  frame.src = src
  document.body.append(frame)
  await loaded
  const [control, line] = [new MessageChannel(), new MessageChannel()]
  control.port1.onmessage = ({ data }) => {
    heard.frame = data
    control.port1.postMessage(crypto.randomUUID(), [line.port2])
  }
  line.port1.onmessage = ({ data }) => {
    if (data.kind === "hello") line.port1.postMessage({ kind: "call", id: 1, method: "status.get", params: {} })
    else heard.pool = data.kind === "complete" ? "served" : data.error.code
  }
  line.port1.postMessage({ kind: "hello", versions: [1, 1], role: "page", software: "by hand" })
  frame.contentWindow?.postMessage("ipfs-accelerate:frame", "*", [control.port2])
}

/** Asks the content script of this window, or of the one that embeds it, for a connection as the page's own script does. What came over it is in `window.heard`. */
export function askForPoolIn([whom, attempt]: ["self" | "parent", number]): void {
  const heard = { pool: "silent" }
  Object.assign(window, { heard })
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }) => {
    heard.pool = data.kind
  }
  port1.postMessage({ kind: "hello", versions: [1, 1], role: "page", software: "by hand" })
  window[whom].postMessage({ type: "ipfs-accelerate:connect", attempt }, "*", [port2])
}

/** Calls each method over a connection made by hand, as `victim` and as the owner; gives the codes of what came. */
export async function speakIn([names, victim]: [string[], string]): Promise<string[]> {
  const { port1, port2 } = new MessageChannel()
  const answers = new Map<number, (code: string) => void>()
  const claims = { origin: victim, caller: { origin: "owner" }, grant: "owner" }
  const hello = new Promise<void>((resolve) => {
    port1.onmessage = ({ data }) => {
      if (data.kind === "hello") resolve()
      else answers.get(data.id)?.(data.kind === "error" ? data.error.code : data.kind)
    }
  })
  port1.postMessage({ kind: "hello", versions: [1, 1], role: "owner", software: "ipfs-accelerate", ...claims })
  window.postMessage({ type: "ipfs-accelerate:connect", attempt: 0, ...claims }, "/", [port2])
  await hello
  const call = (method: string, id: number) =>
    new Promise<string>((resolve) => {
      answers.set(id, resolve)
      port1.postMessage({ kind: "call", id, method, params: { origin: victim, id: "1", answer: "always" }, ...claims })
    })
  return Promise.all(names.map((name, i) => call(name, i + 1)))
}
