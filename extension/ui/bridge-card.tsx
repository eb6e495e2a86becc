import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import type { BridgeState } from "../../protocol/index.ts"
import { Fault, FaultWords } from "./fault.tsx"
import type { OwnerView } from "./owner.ts"
import { useAction } from "./parts/action.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { State, type Tone } from "./parts/state.tsx"
import { Text, t } from "./text.tsx"

/** Pairs this browser with a bridge-server, and says how it goes. */
export function BridgeCard({ view: { peer, snapshot } }: { view: OwnerView }) {
  const { bridge } = snapshot
  return (
    <Card id="bridge" title="bridge">
      <BridgeLine view={{ peer, snapshot }} />
      {snapshot.paused ? null : bridge.state === "none" ? (
        <>
          <PairForm view={{ peer, snapshot }} />
          <p class="small soft">
            <Text
              of="bridgeWhat"
              with={[
                <span key="command" class="mono" dir="ltr">
                  ipfs-accelerate pair
                </span>,
              ]}
            />
          </p>
          <HostRow view={{ peer, snapshot }} />
        </>
      ) : (
        <div class="row">
          <ActionButton
            look="danger"
            label="bridgeLeave"
            testId="forget-bridge"
            work={() => peer.call("bridge.forget", {})}
          />
        </div>
      )}
    </Card>
  )
}

/** Pairing without a code, by this computer's native host, and why that did not come about. */
function HostRow({ view: { peer, snapshot } }: { view: OwnerView }) {
  const { byHost, fault } = snapshot.bridge
  const looking = byHost && fault === undefined
  return (
    <>
      <p class="small soft">
        <Text
          of="bridgeByHost"
          with={[
            <span key="command" class="mono" dir="ltr">
              ipfs-accelerate install-native-host
            </span>,
          ]}
        />
      </p>
      <div class="row">
        <ActionButton
          label="bridgeFind"
          testId="find-bridge"
          disabled={looking}
          work={() => peer.call("bridge.find", {})}
        />
      </div>
      {byHost && (
        <p class="small soft" role="status" data-testid="host-reason">
          {fault ? <FaultWords {...fault} /> : t("bridgeLooking")}
        </p>
      )}
    </>
  )
}

/** How the bridge-server is reached. */
export function BridgeLine({ view: { snapshot } }: { view: OwnerView }) {
  const { text, tone } = snapshot.paused
    ? { text: t("bridgePaused"), tone: "soft" as const }
    : bridgeWords(snapshot.bridge)
  return (
    <State tone={tone} testId="bridge-state" state={snapshot.bridge.state}>
      {text}
    </State>
  )
}

function bridgeWords({ state, url, fault, byHost, carried }: BridgeState): { text: ComponentChildren; tone: Tone } {
  const host = url ? new URL(url).host : t("bridgeHere")
  if (state === "connected") {
    const key = carried ? "bridgeCarried" : byHost ? "bridgeConnectedByHost" : "bridgeConnected"
    return { text: t(key, host), tone: "good" }
  }
  if (state === "connecting") return { text: t("bridgeConnecting", host), tone: "warn" }
  if (state === "waiting") {
    const parts = [<bdi key="host">{host}</bdi>, fault && <FaultWords key="fault" {...fault} />]
    return { text: <Text of="bridgeWaiting" with={parts} />, tone: "warn" }
  }
  return { text: t("bridgeNone"), tone: "soft" }
}

export function PairForm({ view: { peer } }: { view: OwnerView }) {
  const address = useSignal("")
  const code = useSignal("")
  const pairing = useAction(async () => {
    await peer.call("bridge.pair", { url: address.value, code: code.value })
    code.value = ""
  })
  const pair = (event: Event) => {
    event.preventDefault()
    void pairing.run()
  }
  return (
    <>
      <form class="row" onSubmit={pair}>
        <label>
          {t("address")}
          <input
            data-testid="bridge-address"
            required
            placeholder="127.0.0.1:8790"
            dir="ltr"
            spellcheck={false}
            value={address.value}
            onInput={(event) => (address.value = event.currentTarget.value)}
          />
        </label>
        <label>
          {t("pairingCode")}
          <input
            data-testid="bridge-code"
            required
            autocomplete="off"
            dir="ltr"
            spellcheck={false}
            value={code.value}
            onInput={(event) => (code.value = event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" data-testid="pair-bridge" aria-disabled={pairing.busy.value}>
          {t(pairing.busy.value ? "pairing" : "pair")}
        </button>
      </form>
      <Fault error={pairing.fault.value} />
    </>
  )
}
