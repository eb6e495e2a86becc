import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import { byReason } from "../../engine/agent/screen-words.ts"
import type { BridgeState } from "../../protocol/index.ts"
import { Fault, FaultWords } from "../page-parts/fault.tsx"
import { InsecureLine, Literal } from "../page-parts/page.tsx"
import { language, Text, t } from "../page-parts/text.tsx"
import { bytes, deviceWords, modelName } from "../page-parts/words.ts"
import { LeaveButton } from "./leave-button.tsx"
import { type Backend, backends } from "./preferences.ts"
import { StoredCard } from "./stored-card.tsx"
import { type BrowserWorker, rests, type WorkerView } from "./worker.ts"

export function Insecure() {
  return (
    <Frame>
      <InsecureLine />
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
      <StoredCard worker={worker} view={view} />
      <LimitsCard worker={worker} view={view} />
    </Frame>
  )
}

function Frame({ children }: { children: ComponentChildren }) {
  return (
    <>
      <header>
        <h1>{t("workerTitle")}</h1>
        <p class="soft">{t("workerLead")}</p>
      </header>
      {children}
    </>
  )
}

function stateWords(view: WorkerView): { text: ComponentChildren; tone: string } {
  const { bridge, preferences, elsewhere, codeWaits } = view
  if (elsewhere) return { text: t(codeWaits ? "elsewhereCode" : "elsewhere"), tone: "warn" }
  if (preferences.paused) return { text: t("paused"), tone: "warn" }
  if (rests(view)) return { text: t("resting"), tone: "warn" }
  const words: Record<BridgeState["state"], { text: ComponentChildren; tone: string }> = {
    none: { text: t("notJoined"), tone: "soft" },
    connecting: { text: t("joining"), tone: "soft" },
    connected: { text: t("joinedAs", bridge.agent ?? ""), tone: "good" },
    waiting: {
      text: <Text of="joinFailed" with={[bridge.fault && <FaultWords key="fault" {...bridge.fault} />]} />,
      tone: "bad",
    },
  }
  return words[bridge.state]
}

function StateCard({ worker, view }: { worker: BrowserWorker; view: WorkerView }) {
  const { bridge, preferences, elsewhere, fault, awake, stored } = view
  const { text, tone } = stateWords(view)
  const state = elsewhere ? "elsewhere" : preferences.paused ? "paused" : rests(view) ? "resting" : bridge.state
  return (
    <section class="card" aria-labelledby="state">
      <h2 id="state">{t("state")}</h2>
      <p role="status" class={tone} data-testid="state" data-state={state}>
        {text}
      </p>
      <Fault error={fault} />
      {(state === "none" || state === "waiting") && <CodeForm worker={worker} />}
      <div class="row">
        {state === "paused" && (
          <button type="button" class="primary" data-testid="resume" onClick={() => void worker.resume()}>
            {t("resume")}
          </button>
        )}
        {state !== "paused" && state !== "none" && state !== "elsewhere" && (
          <button type="button" data-testid="pause" onClick={() => void worker.pause()}>
            {t("pause")}
          </button>
        )}
        {(state === "connected" || state === "waiting" || state === "paused") && (
          <LeaveButton worker={worker} stored={stored} />
        )}
      </div>
      {state === "connected" && awake !== undefined && <p class="small soft">{t(awake ? "screenOn" : "screenOff")}</p>}
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
        <span>
          <Text of="codeFrom" with={[<Literal key="command" text="ipfs-accelerate pair --worker" />]} />
        </span>
        <input
          data-testid="code"
          required
          autocomplete="off"
          dir="ltr"
          spellcheck={false}
          value={code}
          onInput={(event) => setCode(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" data-testid="join" disabled={busy}>
        {t(busy ? "joining" : "join")}
      </button>
    </form>
  )
}

function DevicesCard({ view: { hardware } }: { view: WorkerView }) {
  return (
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">{t("devices")}</h2>
      {hardware ? (
        <ul>
          {hardware.devices.map((device) => (
            <li key={device.id} data-testid="device" data-device={device.id}>
              <strong>{device.id}</strong> <bdi class="soft">{device.adapter}</bdi>{" "}
              <span class={deviceWords(device).tone}>{deviceWords(device).text}</span>
            </li>
          ))}
          {byReason(hardware.absent).map(([reason, devices]) => (
            <li key={reason} class="soft" data-testid="absent-device">
              {t("deviceAbsent", devices.map(({ id }) => id).join(", "))}{" "}
              {/* Reasons come from where the device was looked for, in English. */}
              <span class="small" lang="en" dir="auto">
                {reason}
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p class="soft">{t("devicesLooking")}</p>
      )}
    </section>
  )
}

const counts = ["running", "waiting", "done", "failed"] as const

function JobsCard({ view: { status } }: { view: WorkerView }) {
  const sessions = status?.sessions ?? []
  return (
    <section class="card" aria-labelledby="jobs">
      <h2 id="jobs">{t("jobs")}</h2>
      <dl data-testid="jobs">
        {counts.map((name) => (
          <div key={name}>
            <dt>{t(name)}</dt>
            <dd>{(status?.jobs[name] ?? 0).toLocaleString(language())}</dd>
          </div>
        ))}
      </dl>
      {sessions.length > 0 && (
        <ul aria-label={t("loaded")}>
          {sessions.map(({ sessionId, model, device, memoryBytes }) => (
            <li key={sessionId}>
              <bdi class="mono" title={model}>
                {modelName(model.replace("sha256:", ""), model)}
              </bdi>{" "}
              <span class="soft">
                {device} · <bdi>{bytes(memoryBytes)}</bdi>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

const names: Record<Backend, string> = { webgpu: "WebGPU", webnn: "WebNN", wasm: "WebAssembly" }

function LimitsCard({ worker, view: { preferences, isOnMains } }: { worker: BrowserWorker; view: WorkerView }) {
  const [memory, setMemory] = useState(preferences.budgetMB === undefined ? "" : String(preferences.budgetMB))
  const [without, setWithout] = useState(preferences.without)
  const [mainsOnly, setMainsOnly] = useState(preferences.mainsOnly)
  const apply = (event: Event) => {
    event.preventDefault()
    void worker.limit({ ...(memory !== "" && { budgetMB: Number(memory) }), without, mainsOnly })
  }
  const use = (backend: Backend, wanted: boolean) =>
    setWithout(backends.filter((b) => (b === backend ? !wanted : without.includes(b))))
  return (
    <section class="card" aria-labelledby="limits">
      <h2 id="limits">{t("limits")}</h2>
      <form onSubmit={apply}>
        <fieldset class="row">
          <legend>{t("mayUse")}</legend>
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
        <Tick id="mains-only" on={mainsOnly} fixed={isOnMains === undefined} onChange={setMainsOnly}>
          {t(isOnMains === undefined ? "mainsUntold" : "mainsOnly")}
        </Tick>
        <div class="row">
          <label>
            {t("memoryLabel")}
            <input
              type="number"
              min="16"
              max="1048576"
              step="1"
              placeholder={t("memoryByItself")}
              data-testid="budget"
              aria-describedby="budget-note"
              value={memory}
              onInput={(event) => setMemory(event.currentTarget.value)}
            />
          </label>
          <button type="submit" data-testid="apply-limits">
            {t("apply")}
          </button>
        </div>
      </form>
      <p id="budget-note" class="small soft">
        {t("memoryNote")}
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
