import { browser } from "wxt/browser"
import { extensionPort, type RuntimePortLike } from "../../protocol/index.ts"
import { HOST_PORT, LIFE_PORT, OWNER_PORT, POOL_PORT } from "../messages.ts"
import type { Supervisor } from "../supervisor/supervisor.ts"

/** Takes extension ports where the supervisor lives: from the extension's own pages, from content scripts, and in Chromium from the service worker, which passes on a native host. */
export function acceptConnections(supervisor: Supervisor, onHost?: (id: string, port: RuntimePortLike) => void): void {
  browser.runtime.onConnect.addListener((port) => {
    const { sender } = port
    const connection = () => extensionPort(port, { structuredClone: true })
    if (port.name.startsWith(LIFE_PORT) && sender?.tab)
      port.onDisconnect.addListener(supervisor.lives.begin(port.name.slice(LIFE_PORT.length)))
    // A service worker has neither a tab nor an origin.
    else if (port.name.startsWith(HOST_PORT) && !sender?.tab && onHost) onHost(port.name.slice(HOST_PORT.length), port)
    else if (port.name === OWNER_PORT && sender?.origin === location.origin) supervisor.acceptOwner(connection())
    else if (port.name === POOL_PORT && sender?.tab && sender.frameId === 0)
      supervisor.acceptPage(connection(), { origin: sender.origin ?? "null", isPrivate: sender.tab.incognito })
    else port.disconnect()
  })
}
