import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { BridgeState } from "../../protocol/index.ts"
import { type Backend, backends } from "./preferences.ts"
import { type BrowserWorker, rests, type WorkerView } from "./worker.ts"

/** Beyond this machine, browsers keep what the engine needs for pages over TLS. */
export function Insecure() {
  return (
    <Frame>
      <p role="alert" class="bad">
        This page needs a secure connection. Give the bridge-server a certificate (--tls-cert, --tls-key) and open it by
        https; on the bridge-server's own machine, open it at 127.0.0.1.
      </p>
    </Frame>
  )
}

export function App({ worker }: { worker: BrowserWorker }) {
  const [view, setView] = useState(worker.view)
  useEffect(() => {
    setView(worker.view)
    return worker.onChange(() => setView(worker.view))
  }, [worker])
  return (
    <Frame>
      <StateCard worker={worker} view={view} />
      <DevicesCard view={view} />
      <JobsCard view={view} />
      <LimitsCard worker={worker} view={view} />
    </Frame>
  )
}

function Frame({ children }: { children: ComponentChildren }) {
  return (
    <>
      <header>
        <h1>ipfs-accelerate worker</h1>
        <p class="soft">While this page is open, this browser computes for the bridge-server it came from.</p>
      </header>
      {children}
    </>
  )
}

function stateWords(view: WorkerView): { text: string; tone: string } {
  const { bridge, preferences, elsewhere } = view
  if (elsewhere)
    return {
      text: "Another tab of this browser computes already. This one takes over when that one is closed.",
      tone: "warn",
    }
  if (preferences.paused) return { text: "Paused: nothing is computed here.", tone: "warn" }
  if (rests(view))
    return { text: "Resting: this machine runs on battery. It goes on by itself on mains power.", tone: "warn" }
  const words: Record<BridgeState["state"], { text: string; tone: string }> = {
    none: { text: "Not joined. It takes a code of the bridge-server’s owner.", tone: "soft" },
    connecting: { text: "Joining …", tone: "soft" },
    connected: { text: `Joined as ${bridge.agent}.`, tone: "good" },
    waiting: { text: `Not joined: ${bridge.reason ?? ""} Trying again.`, tone: "bad" },
  }
  return words[bridge.state]
}

function StateCard({ worker, view }: { worker: BrowserWorker; view: WorkerView }) {
  const { bridge, preferences, elsewhere, fault, awake } = view
  const { text, tone } = stateWords(view)
  const state = elsewhere ? "elsewhere" : preferences.paused ? "paused" : rests(view) ? "resting" : bridge.state
  return (
    <section class="card" aria-labelledby="state">
      <h2 id="state">State</h2>
      <p role="status" class={tone} data-testid="state" data-state={state}>
        {text}
      </p>
      {fault && (
        <p role="alert" class="bad">
          {fault}
        </p>
      )}
      {(state === "none" || state === "waiting") && <CodeForm worker={worker} />}
      <div class="row">
        {state === "paused" && (
          <button type="button" class="primary" data-testid="resume" onClick={() => void worker.resume()}>
            Resume
          </button>
        )}
        {state !== "paused" && state !== "none" && state !== "elsewhere" && (
          <button type="button" data-testid="pause" onClick={() => void worker.pause()}>
            Pause
          </button>
        )}
        {(state === "connected" || state === "waiting") && (
          <button type="button" class="danger" data-testid="forget" onClick={() => void worker.forget()}>
            Leave this bridge-server
          </button>
        )}
      </div>
      {state === "connected" && awake !== undefined && (
        <p class="small soft">{awake ? "The screen is kept on meanwhile." : "The screen is not kept on."}</p>
      )}
    </section>
  )
}

function CodeForm({ worker }: { worker: BrowserWorker }) {
  const [code, setCode] = useState("")
  const [busy, setBusy] = useState(false)
  const join = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    await worker.pair(code)
    setBusy(false)
  }
  return (
    <form class="row" onSubmit={join}>
      <label>
        Code, from <span class="mono">ipfs-accelerate pair --worker</span>
        <input
          data-testid="code"
          required
          autocomplete="off"
          spellcheck={false}
          value={code}
          onInput={(event) => setCode(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" data-testid="join" disabled={busy}>
        {busy ? "Joining …" : "Join"}
      </button>
    </form>
  )
}

function DevicesCard({ view: { hardware } }: { view: WorkerView }) {
  return (
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      {hardware ? (
        <ul>
          {hardware.devices.map((device) => (
            <li key={device.id} data-testid="device" data-device={device.id}>
              <strong>{device.id}</strong> <span class="soft">{`${device.adapter} · ${device.state}`}</span>
            </li>
          ))}
          {hardware.absent.map(({ id, reason }) => (
            <li key={id} class="soft">
              {id}: not there. <span class="small">{reason}</span>
            </li>
          ))}
        </ul>
      ) : (
        <p class="soft">Looking for devices …</p>
      )}
    </section>
  )
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`

function JobsCard({ view: { status } }: { view: WorkerView }) {
  const { running = 0, waiting = 0, done = 0, failed = 0 } = status?.jobs ?? {}
  const sessions = status?.sessions ?? []
  return (
    <section class="card" aria-labelledby="jobs">
      <h2 id="jobs">Jobs</h2>
      <dl data-testid="jobs">
        {Object.entries({ Running: running, Waiting: waiting, Done: done, Failed: failed }).map(([name, count]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count}</dd>
          </div>
        ))}
      </dl>
      {sessions.length > 0 && (
        <ul aria-label="Models in memory">
          {sessions.map(({ sessionId, model, device, memoryBytes }) => (
            <li key={sessionId}>
              <span class="mono">{model}</span>{" "}
              <span class="soft">
                {device} · {mib(memoryBytes)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

const names: Record<Backend, string> = { webgpu: "WebGPU", webnn: "WebNN", wasm: "WebAssembly" }

function LimitsCard({ worker, view: { preferences, onBattery } }: { worker: BrowserWorker; view: WorkerView }) {
  const [memory, setMemory] = useState(preferences.budgetMiB === undefined ? "" : String(preferences.budgetMiB))
  const [without, setWithout] = useState(preferences.without)
  const [mainsOnly, setMainsOnly] = useState(preferences.mainsOnly)
  const apply = (event: Event) => {
    event.preventDefault()
    void worker.limit({ ...(memory !== "" && { budgetMiB: Number(memory) }), without, mainsOnly })
  }
  const use = (backend: Backend, wanted: boolean) =>
    setWithout(backends.filter((b) => (b === backend ? !wanted : without.includes(b))))
  return (
    <section class="card" aria-labelledby="limits">
      <h2 id="limits">Limits</h2>
      <form onSubmit={apply}>
        <fieldset class="row">
          <legend>May be used</legend>
          {backends.map((backend) => (
            <Tick
              key={backend}
              id={backend}
              on={!without.includes(backend)}
              // Something must be left to compute with.
              fixed={!without.includes(backend) && without.length === backends.length - 1}
              onChange={(wanted) => use(backend, wanted)}
            >
              {names[backend]}
            </Tick>
          ))}
        </fieldset>
        <Tick id="mains-only" on={mainsOnly} fixed={onBattery === undefined} onChange={setMainsOnly}>
          Only on mains power{onBattery === undefined && ", which this browser does not tell of"}
        </Tick>
        <div class="row">
          <label>
            Memory for models, MiB
            <input
              type="number"
              min="16"
              max="1048576"
              step="1"
              placeholder="by itself"
              data-testid="budget"
              aria-describedby="budget-note"
              value={memory}
              onInput={(event) => setMemory(event.currentTarget.value)}
            />
          </label>
          <button type="submit" data-testid="apply-limits">
            Apply
          </button>
        </div>
      </form>
      <p id="budget-note" class="small soft">
        Memory left empty: a quarter of what the browser tells of, or 2 GiB. Applying loads models anew.
      </p>
    </section>
  )
}

interface TickProps {
  id: string
  on: boolean
  fixed: boolean
  onChange(on: boolean): void
  children: ComponentChildren
}

function Tick({ id, on, fixed, onChange, children }: TickProps) {
  return (
    <label class="tick">
      <input
        type="checkbox"
        data-testid={id}
        checked={on}
        disabled={fixed}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{children}</span>
    </label>
  )
}
