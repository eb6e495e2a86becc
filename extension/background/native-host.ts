import { browser } from "wxt/browser"
import { hostFault } from "../../engine/agent/host-dial.ts"
import { disconnectReason, HOST_NAME } from "../../protocol/index.ts"
import { HOST_PORT } from "../messages.ts"

/** Starts the native host, where one is installed for this extension. */
export function connectNativeHost() {
  return browser.runtime.connectNative(HOST_NAME)
}

/** Chromium starts native hosts for the service worker only, which passes on what the host and the offscreen document say to each other. While it does, it isn't stopped. */
export function relayNativeHost(id: string): void {
  const host = connectNativeHost()
  const supervisor = browser.runtime.connect({ name: `${HOST_PORT}${id}` })
  supervisor.onMessage.addListener((message) => host.postMessage(message))
  host.onMessage.addListener((message) => supervisor.postMessage(message))
  supervisor.onDisconnect.addListener(() => {
    // Read, so that the browser doesn't log it.
    disconnectReason(supervisor)
    host.disconnect()
  })
  host.onDisconnect.addListener(() => {
    supervisor.postMessage({ kind: "bye", reason: hostFault(disconnectReason(host)) })
    supervisor.disconnect()
  })
}

/** How long a native host may take to say hello, ms: its process starts within one or two seconds, on a busy machine within ten. */
const HELLO_MS = 30_000

/** Whether a native host is installed for this extension: it says hello when it is started. */
export function nativeHostIsThere(): Promise<boolean> {
  const host = connectNativeHost()
  return new Promise((resolve) => {
    const end = (isThere: boolean) => {
      clearTimeout(timer)
      host.disconnect()
      resolve(isThere)
    }
    const timer = setTimeout(end, HELLO_MS, false)
    host.onMessage.addListener(() => end(true))
    host.onDisconnect.addListener(() => {
      disconnectReason(host)
      end(false)
    })
  })
}
