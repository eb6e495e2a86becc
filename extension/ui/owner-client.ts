import { useEffect, useState } from "preact/hooks"
import { browser } from "wxt/browser"
import { type EventOf, extensionPort, type Methods, Peer } from "../../protocol/index.ts"
import { type BackgroundRequest, OWNER_PORT } from "../messages.ts"

/** What the supervisor tells whenever it changes. */
export type Snapshot = EventOf<Methods["owner.watch"]>

/** A connection to the supervisor, which is started where it is not there. */
export async function connectOwner(): Promise<Peer> {
  const request: BackgroundRequest = { type: "supervisor" }
  await browser.runtime.sendMessage(request)
  const port = extensionPort(browser.runtime.connect({ name: OWNER_PORT }), { structuredClone: true })
  return new Peer(port, { role: "owner" })
}

/** The supervisor for as long as the page is open, and its latest snapshot; connects anew where it was ended. */
export function useOwner(): { peer: Peer | undefined; snapshot: Snapshot | undefined } {
  const [peer, setPeer] = useState<Peer>()
  const [snapshot, setSnapshot] = useState<Snapshot>()
  const [life, setLife] = useState(0)
  useEffect(() => {
    let left = false
    let mine: Peer | undefined
    void connectOwner().then((connected) => {
      mine = connected
      if (left) return connected.close()
      setPeer(connected)
      connected.call("owner.watch", {}, { onEvent: setSnapshot }).catch(() => undefined)
      void connected.closed.then(() => {
        if (!left) setLife(life + 1)
      })
    })
    return () => {
      left = true
      mine?.close()
    }
  }, [life])
  return { peer, snapshot }
}
