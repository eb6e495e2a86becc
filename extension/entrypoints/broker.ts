import { defineUnlistedScript } from "wxt/utils/define-unlisted-script"
import type { RoutedPort } from "../messages.ts"
import { BROKER_HOME } from "../page/broker.ts"

/** The SharedWorker between the frames in pages and the background page of Firefox and Safari. */
export default defineUnlistedScript({
  include: ["firefox", "safari"],
  globalName: false,
  main() {
    let home: MessagePort | undefined
    addEventListener("connect", (event) => {
      const [from] = (event as MessageEvent).ports
      if (!from) return
      from.onmessage = ({ data, ports }: MessageEvent<RoutedPort | typeof BROKER_HOME>) => {
        if (data === BROKER_HOME) home = from
        // Where there is no home yet, the page hears nothing and tries again.
        else home?.postMessage(data, [...ports])
      }
    })
  },
})
