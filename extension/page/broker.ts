import { browser } from "wxt/browser"
import type { RoutedPort } from "../messages.ts"

/** The background page says this first: ports go to whoever said it last. */
export const BROKER_HOME = "ipfs-accelerate:home"

/** Firefox: a way between the extension's pages that carries ports. Only they can open it: a SharedWorker belongs to its origin. */
export function openBroker(): MessagePort {
  return new SharedWorker(browser.runtime.getURL("/broker.js"), { name: "ipfs-accelerate broker" }).port
}

/** Called with each port that frames in pages hand on. */
export function receivePorts(accept: (routed: RoutedPort, port: MessagePort) => void): void {
  const broker = openBroker()
  broker.onmessage = ({ data, ports: [port] }: MessageEvent<RoutedPort>) => {
    if (data.type === "route" && port) accept(data, port)
  }
  broker.postMessage(BROKER_HOME)
}
