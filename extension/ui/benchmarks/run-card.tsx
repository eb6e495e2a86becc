import { type Signal, useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import type { EventOf, Methods, ResultOf } from "../../../protocol/index.ts"
import { DEMO_SHA256, demoModel } from "../demo-model.ts"
import { FailedDevices } from "../failed-devices.tsx"
import { Fault } from "../fault.tsx"
import { live, type OwnerView } from "../owner.ts"
import { useAction } from "../parts/action.ts"
import { Card } from "../parts/card.tsx"
import { type MessageKey, t } from "../text.tsx"
import { adapterWords, milliseconds, modelName } from "../words.ts"
import { measure } from "./measure.ts"
import { refresh } from "./results.ts"

type Progress = EventOf<Methods["benchmark.run"]>
type Outcome = ResultOf<Methods["benchmark.run"]>

const phases: { [phase in Progress["phase"]]: MessageKey } = {
  load: "phaseLoad",
  warmup: "phaseWarmup",
  steady: "phaseSteady",
}

/** Measures a model that is here on the devices that the person chooses. */
export function RunCard({ view: { peer } }: { view: OwnerView }) {
  /** A reference; empty for the model that came with the extension. */
  const model = useSignal("")
  const unwanted = useSignal<readonly string[]>([])
  const progress = useSignal<Progress | undefined>(undefined)
  const outcome = useSignal<Outcome | undefined>(undefined)
  const abort = useRef(new AbortController())
  const run = useAction(async () => {
    outcome.value = progress.value = undefined
    abort.current = new AbortController()
    const { signal } = abort.current
    const { devices } = await peer.call("hardware.report", {}, { signal })
    const wanted = devices.map(({ id }) => id).filter((id) => !unwanted.value.includes(id))
    const onProgress = (event: Progress) => {
      progress.value = event
    }
    try {
      const reference = model.value || (await demoModel(peer))
      outcome.value = await measure(peer, reference, { devices: wanted, signal, onProgress })
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await refresh(peer)
    }
  })
  return (
    <Card id="run" title="benchmarkRun">
      <p class="soft">{t("benchmarkWhat")}</p>
      {run.busy.value ? (
        <Running progress={progress.value} cancel={() => abort.current.abort()} />
      ) : (
        <Form model={model} unwanted={unwanted} start={() => void run.run()} />
      )}
      <Fault error={run.fault.value} />
      <div
        role="status"
        data-testid="run-state"
        data-state={run.busy.value ? "running" : outcome.value ? "done" : "idle"}
      >
        {outcome.value && <Told outcome={outcome.value} />}
      </div>
    </Card>
  )
}

function Told({ outcome: { rows, absent } }: { outcome: Outcome }) {
  const done = rows.map(({ device, p50Ms }) => `${device.id} ${milliseconds(p50Ms)}`).join(", ")
  return (
    <div class="stack">
      <p>{t("benchmarkDone", done)}</p>
      <FailedDevices failed={absent} />
    </div>
  )
}

/** Not shown while something is measured: what it shows is asked for at each change, which would take its time. */
function Form(props: { model: Signal<string>; unwanted: Signal<readonly string[]>; start(): void }) {
  const { model, unwanted, start } = props
  const report = live("hardware.report").value
  const stored = live("model.list").value?.models ?? []
  // What a site uploaded is that site's alone; what the person brought in belongs to nobody.
  const models = stored.flatMap(({ references, sha256, owners }) => {
    const isOwn = owners.length === 0 && sha256 !== DEMO_SHA256
    const reference = references.find((one) => !one.startsWith("sha256:")) ?? (isOwn ? references[0] : undefined)
    return reference === undefined ? [] : [{ reference, name: modelName([reference], sha256) }]
  })
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        start()
      }}
    >
      <label>
        {t("model")}
        <select
          data-testid="run-model"
          value={model.value}
          onChange={(event) => (model.value = event.currentTarget.value)}
        >
          <option value="">{modelName([], DEMO_SHA256)}</option>
          {models.map(({ reference, name }) => (
            <option key={reference} value={reference}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="devices">
        <legend>{t("devices")}</legend>
        {!report && (
          <p class="soft" role="status">
            {t("devicesLooking")}
          </p>
        )}
        {report?.devices.map((device) => (
          <label key={device.id} class="check">
            <input
              type="checkbox"
              data-testid={`run-${device.id}`}
              checked={!unwanted.value.includes(device.id)}
              onChange={(event) => {
                const others = unwanted.value.filter((id) => id !== device.id)
                unwanted.value = event.currentTarget.checked ? others : [...others, device.id]
              }}
            />
            <span>
              {device.id} <span class="soft">{adapterWords(device)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div>
        <button
          type="submit"
          class="primary"
          data-testid="run-benchmark"
          disabled={!report || report.devices.every(({ id }) => unwanted.value.includes(id))}
        >
          {t("benchmarkStart")}
        </button>
      </div>
    </form>
  )
}

function Running({ progress, cancel }: { progress: Progress | undefined; cancel(): void }) {
  const button = useRef<HTMLButtonElement>(null)
  // Whoever started it by keyboard goes on from here.
  useEffect(() => button.current?.focus(), [])
  return (
    <div class="stack">
      <p role="status">{progress ? t(phases[progress.phase], progress.device) : t("starting")}</p>
      <progress aria-label={t("benchmarkRun")} value={progress?.done} max={progress?.of || 1} />
      <div>
        <button type="button" ref={button} data-testid="cancel-benchmark" onClick={cancel}>
          {t("cancel")}
        </button>
      </div>
    </div>
  )
}
