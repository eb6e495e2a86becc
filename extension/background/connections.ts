import { browser } from "wxt/browser"
import { extensionPort } from "../../protocol/index.ts"
import { LIFE_PORT, OWNER_PORT, POOL_PORT } from "../messages.ts"
import type { Supervisor } from "../supervisor/supervisor.ts"

/** Takes extension ports where the supervisor lives: from the extension's own pages, and from content scripts. */
export function acceptConnections(supervisor: Supervisor): void {
  browser.runtime.onConnect.addListener((port) => {
    const { sender } = port
    const connection = () => extensionPort(port, { structuredClone: true })
    if (port.name.startsWith(LIFE_PORT) && sender?.tab)
      port.onDisconnect.addListener(supervisor.lives.begin(port.name.slice(LIFE_PORT.length)))
    else if (port.name === OWNER_PORT && sender?.origin === location.origin) supervisor.acceptOwner(connection())
    else if (port.name === POOL_PORT && sender?.tab && sender.frameId === 0)
      supervisor.acceptPage(connection(), sender.origin ?? "null")
    else port.disconnect()
  })
}
