/** What the extension's own parts say to each other on the way to a connection; everything after that is the protocol. */

/** Page's world ↔ content script, as events on `document` that carry at most a string. */
export const LOAD_EVENT = "ipfs-accelerate:load"
export const FAILED_EVENT = "ipfs-accelerate:failed"
/** The pool is gone: what the page has of a connection is dead. */
export const LOST_EVENT = "ipfs-accelerate:lost"
/** Asks for the content script, which cancels it. */
export const HERE_EVENT = "ipfs-accelerate:here"
/** A newer content script tells those of an extension that was updated under the page to stand aside. */
export const TAKEOVER_EVENT = "ipfs-accelerate:takeover"
/** Where the page script finds the stub that waits for it: a property of the API that no enumeration shows. */
export const PAGE_SLOT = Symbol.for("ipfs-accelerate:page")

/** Page script → content script, by `window.postMessage`: with one end of a channel, and afterwards how it went. */
export interface PageNotice {
  type: "ipfs-accelerate:connect" | "ipfs-accelerate:connected"
  /** 0, 1, …: how often it was tried before. */
  attempt: number
}
export const CONNECT: PageNotice["type"] = "ipfs-accelerate:connect"
export const CONNECTED: PageNotice["type"] = "ipfs-accelerate:connected"

/** Content script → frame, with a control port: the frame answers whether it reaches the pool, and then takes the page's port and the id of its life. */
export const FRAME_HELLO = "ipfs-accelerate:frame"
export type FrameAnswer = "ready" | "none"

/** Name of the extension port that stands in where a MessagePort can't get through, and of that of the extension's own pages. */
export const POOL_PORT = "pool"
export const OWNER_PORT = "owner"
/** Begins the name of the port by which Chromium's service worker passes on the native host; what it was asked for by follows. */
export const HOST_PORT = "native-host "
/** Begins the name of the extension port that lives as long as the page (supervisor/lives.ts); its id follows. */
export const LIFE_PORT = "life "

/** To the background script, by `runtime.sendMessage`. */
export type BackgroundRequest =
  /** Brings the page script into the frame that asks. */
  | { type: "inject" }
  /** Makes sure the supervisor is there. */
  | { type: "supervisor" }
  /** Starts the native host, and connects to the supervisor by HOST_PORT and this id. */
  | { type: "native-host"; id: string }
  /** Opens the window that asks the person. */
  | { type: "show-prompt"; id: string }
  /** Whether the supervisor is wanted as soon as the browser starts. */
  | { type: "autostart"; on: boolean }
  /** Whether the toolbar shows that something is computed. */
  | { type: "badge"; on: boolean }
  /** Restarts the extension. */
  | { type: "restart" }
  /** Deletes what the browser keeps outside of the supervisor's storage. */
  | { type: "forget" }

/** Service worker → offscreen document, by `runtime.sendMessage`: the window that asked the person was closed. */
export interface PromptClosed {
  type: "prompt-closed"
  id: string
}

/** Service worker → offscreen document: the browser has a new version of the extension. */
export interface UpdateAvailable {
  type: "update-available"
}

/** Frame → service worker → offscreen document, or in Firefox frame → broker → background page; with the port. */
export interface RoutedPort {
  type: "route"
  origin: string
  /** The page's window is private. */
  isPrivate: boolean
  life: string
}
