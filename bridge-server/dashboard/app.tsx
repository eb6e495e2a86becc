import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { AgentsCard } from "./agents-card.tsx"
import { BenchmarksCard } from "./benchmarks-card.tsx"
import type { BridgeConsole } from "./bridge-console.ts"
import { DevicesCard } from "./devices-card.tsx"
import { ErrorsCard } from "./errors-card.tsx"
import { InviteCard } from "./invite-card.tsx"
import { NowCard } from "./now-card.tsx"
import { when } from "./words.ts"

/** Beyond this machine, browsers keep what proves the bridge-server for pages over TLS. */
export function Insecure() {
  return (
    <>
      <Header />
      <section class="card">
        <p role="alert" class="bad">
          This page needs a secure connection. Give the bridge-server a certificate (--tls-cert, --tls-key) and open it
          by https; on the bridge-server's own machine, open it at 127.0.0.1.
        </p>
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
            Lock
          </button>
        )}
      </Header>
      {bridge.fault.value && (
        <p role="alert" class="bad">
          {bridge.fault.value}
        </p>
      )}
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
      <h1>ipfs-accelerate dashboard</h1>
      {children}
    </header>
  )
}

function stateWords(bridge: BridgeConsole): string {
  const state = bridge.state.value
  const view = bridge.view.value
  switch (state.state) {
    case "locked":
      return "Locked"
    case "connecting":
      return "Connecting …"
    case "waiting":
      return `Not connected: ${state.reason} Trying again.`
    case "live":
      return view ? `Live, version ${view.version}, since ${when(view.startedAt)}` : "Live"
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
      <h2 id="unlock">Open the dashboard</h2>
      <p>
        On the bridge-server's machine, run <span class="mono">ipfs-accelerate pair --dashboard</span> and open the link
        it prints, or type the code here.
      </p>
      <form class="row" onSubmit={unlock}>
        <label>
          Code, or the bridge-server's token
          <input
            data-testid="code"
            required
            autocomplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" data-testid="unlock" disabled={busy}>
          {busy ? "Opening …" : "Open"}
        </button>
      </form>
      <p class="small soft">
        This browser gets a key of its own in exchange, which opens this page and nothing else. The token is not kept.
      </p>
    </section>
  )
}
