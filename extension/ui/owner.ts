import { effect, type ReadonlySignal, signal } from "@preact/signals"
import { browser } from "wxt/browser"
import { extensionPort, type Methods, type ParamsOf, Peer, type ResultOf, type Snapshot } from "../../protocol/index.ts"
import { askBackground } from "../ask-background.ts"
import { OWNER_PORT } from "../messages.ts"

/** Between the end of a connection, or a try to make one, and the next try, ms. */
export const RETRY_MS = 250

/** A connection to the supervisor, which is started where it is not there. */
export async function connectOwner(): Promise<Peer> {
  await askBackground({ type: "supervisor" })
  const port = extensionPort(browser.runtime.connect({ name: OWNER_PORT }), { structuredClone: true })
  return new Peer(port, { role: "owner" })
}

export interface OwnerView {
  peer: Peer
  snapshot: Snapshot
}

/** Why the supervisor can't start, and the connection that is left: by it everything can be deleted. */
export interface Unready {
  peer: Peer
  error: unknown
}

/** Set while that is so. */
export const unready = signal<Unready | undefined>(undefined)

let view: ReadonlySignal<OwnerView | undefined> | undefined

/** The supervisor and its latest snapshot, for as long as the page is open; connects anew where it was ended. */
export function owner(): ReadonlySignal<OwnerView | undefined> {
  if (view) return view
  const current = signal<OwnerView | undefined>(undefined)
  const connect = async () => {
    const peer = await connectOwner().catch(() => undefined)
    // A background page that is just loaded anew hears nobody yet.
    if (!peer) return void setTimeout(connect, RETRY_MS)
    const onEvent = (snapshot: Snapshot) => {
      current.value = { peer, snapshot }
    }
    peer.call("owner.watch", {}, { onEvent }).catch((error: unknown) => {
      if (!peer.isClosed) unready.value = { peer, error }
    })
    await peer.closed
    current.value = undefined
    unready.value = undefined
    setTimeout(connect, RETRY_MS)
  }
  void connect()
  view = current
  return view
}

/** The connection to the supervisor, once that has started. Throws why it can't start. */
export function connected(): Promise<Peer> {
  const { promise, resolve, reject } = Promise.withResolvers<Peer>()
  const stop = effect(() => {
    const [now, fault] = [owner().value, unready.value]
    if (now) resolve(now.peer)
    else if (fault) reject(fault.error)
  })
  return promise.finally(() => stop())
}

/** Methods that only tell. */
type Told = "hardware.report" | "status.get" | "model.list" | "benchmark.list"

const told = new Map<Told, ReadonlySignal<unknown>>()

/** Between an answer and the next question, ms: while something computes there are ten snapshots a second, and questions would disturb it. */
const REST_MS = 1000

/** What `method` answers, asked again after a snapshot, one question at a time, while something shows it. */
export function live<N extends Told>(method: N): ReadonlySignal<ResultOf<Methods[N]> | undefined> {
  const there = told.get(method)
  if (there) return there as ReadonlySignal<ResultOf<Methods[N]> | undefined>
  let stop: (() => void) | undefined
  let asking = false
  let stale = false
  const answer = signal<ResultOf<Methods[N]> | undefined>(undefined, {
    watched() {
      stop = owner().subscribe((now) => void ask(now))
    },
    unwatched: () => stop?.(),
  })
  const ask = async (now: OwnerView | undefined) => {
    stale = asking
    if (!now || asking) return
    asking = true
    // Where it fails the connection has ended, and the next one brings a snapshot.
    const result = await now.peer.call(method, {} as ParamsOf<Methods[N]>).catch(() => undefined)
    if (result) answer.value = result as ResultOf<Methods[N]>
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    asking = false
    if (stale) void ask(owner().peek())
  }
  told.set(method, answer)
  return answer
}
