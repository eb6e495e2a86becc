import { useState } from "preact/hooks"
import { AccelerateError, type BridgeState, type Peer } from "../../protocol/index.ts"
import { bridgeWords } from "./words.ts"

/** Pairs this browser with a bridge-server, and says how it goes. */
export function BridgeCard({ peer, bridge }: { peer: Peer; bridge: BridgeState }) {
  const [address, setAddress] = useState("")
  const [code, setCode] = useState("")
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState("")
  const { text, tone } = bridgeWords(bridge)
  const paired = bridge.state !== "none"
  const pair = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setFault("")
    try {
      await peer.call("bridge.pair", { url: address, code })
      setCode("")
    } catch (error) {
      setFault(error instanceof AccelerateError ? error.message : String(error))
    }
    setBusy(false)
  }
  return (
    <section class="card" aria-labelledby="bridge">
      <h2 id="bridge">Bridge-server</h2>
      <p role="status" class={tone} data-testid="bridge-state" data-state={bridge.state}>
        <span class="dot" aria-hidden="true" />
        {text}
      </p>
      {paired ? (
        <div class="row">
          <button
            type="button"
            class="danger"
            data-testid="forget-bridge"
            onClick={() => void peer.call("bridge.forget", {})}
          >
            Leave this bridge-server
          </button>
        </div>
      ) : (
        <form class="row" onSubmit={pair}>
          <label>
            Address
            <input
              data-testid="bridge-address"
              required
              placeholder="127.0.0.1:8790"
              spellcheck={false}
              value={address}
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
          </label>
          <label>
            Pairing code
            <input
              data-testid="bridge-code"
              required
              autocomplete="off"
              spellcheck={false}
              value={code}
              onInput={(event) => setCode(event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="primary" data-testid="pair-bridge" disabled={busy}>
            {busy ? "Pairing …" : "Pair"}
          </button>
        </form>
      )}
      {fault && (
        <p role="alert" class="bad">
          {fault}
        </p>
      )}
      {!paired && (
        <p class="small soft">
          A bridge-server lets programs on your computers use this browser’s devices. Its code comes from{" "}
          <span class="mono">ipfs-accelerate pair</span>.
        </p>
      )}
    </section>
  )
}
