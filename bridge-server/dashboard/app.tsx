import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { Fault, FaultWords } from "../page-parts/fault.tsx"
import { InsecureLine, Literal } from "../page-parts/page.tsx"
import { Text, t } from "../page-parts/text.tsx"
import { when } from "../page-parts/words.ts"
import { AgentsCard } from "./agents-card.tsx"
import { BenchmarksCard } from "./benchmarks-card.tsx"
import type { BridgeConsole } from "./bridge-console.ts"
import { DevicesCard } from "./devices-card.tsx"
import { ErrorsCard } from "./errors-card.tsx"
import { InviteCard } from "./invite-card.tsx"
import { NowCard } from "./now-card.tsx"

export function Insecure() {
  return (
    <>
      <Header />
      <section class="card">
        <InsecureLine />
      </section>
    </>
  )
}

export function App({ bridge }: { bridge: BridgeConsole }) {
  const view = bridge.view.value
  const { state } = bridge.state.value
  return (
    <>
      <Header>
        <p role="status" data-testid="state" data-state={state} class={state === "live" ? "good" : "soft"}>
          {stateWords(bridge)}
        </p>
        {state !== "locked" && (
          <button type="button" data-testid="lock" onClick={() => bridge.lock()}>
            {t("lock")}
          </button>
        )}
      </Header>
      <Fault error={bridge.fault.value} />
      {state === "locked" && <Unlock bridge={bridge} />}
      {view && (
        <>
          <NowCard view={view} />
          <DevicesCard view={view} />
          <AgentsCard view={view} />
          <ErrorsCard view={view} />
          <BenchmarksCard benchmarks={bridge.benchmarks.value} />
          <InviteCard bridge={bridge} />
        </>
      )}
    </>
  )
}

function Header({ children }: { children?: ComponentChildren }) {
  return (
    <header class="row spread">
      <h1>{t("dashboardTitle")}</h1>
      {children}
    </header>
  )
}

function stateWords(bridge: BridgeConsole): ComponentChildren {
  const state = bridge.state.value
  const view = bridge.view.value
  switch (state.state) {
    case "locked":
      return t("locked")
    case "connecting":
      return t("connecting")
    case "waiting":
      return <Text of="notConnected" with={[<FaultWords key="fault" {...state.fault} />]} />
    case "live":
      return view ? t("liveSince", view.version, when(view.startedAt)) : t("live")
  }
}

function Unlock({ bridge }: { bridge: BridgeConsole }) {
  const [typed, setTyped] = useState("")
  const [busy, setBusy] = useState(false)
  const unlock = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    await bridge.unlock(typed)
    setBusy(false)
  }
  return (
    <section class="card" aria-labelledby="unlock">
      <h2 id="unlock">{t("unlockHeading")}</h2>
      <p>
        <Text of="unlockHow" with={[<Literal key="command" text="ipfs-accelerate pair --dashboard" />]} />
      </p>
      <form class="row" onSubmit={unlock}>
        <label>
          {t("unlockLabel")}
          <input
            data-testid="code"
            required
            autocomplete="off"
            dir="ltr"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" data-testid="unlock" disabled={busy}>
          {t(busy ? "opening" : "open")}
        </button>
      </form>
      <p class="small soft">{t("unlockKey")}</p>
    </section>
  )
}
