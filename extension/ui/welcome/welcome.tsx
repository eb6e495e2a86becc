import { useSignal } from "@preact/signals"
import { browser } from "wxt/browser"
import { MorePages } from "../more-pages.tsx"
import { live } from "../owner.ts"
import { Card } from "../parts/card.tsx"
import { type MessageKey, t } from "../text.tsx"
import { adapterWords } from "../words.ts"
import { Answer } from "./answer.tsx"
import { readOn, started, wantedDevice } from "./demo.ts"
import { clearPad, Pad } from "./pad.tsx"
import { Samples } from "./samples.tsx"

/** What the extension is, shown once when it is installed: it starts nothing until the person does. */
export function Welcome() {
  return (
    <main class="page">
      <header class="stack">
        <h1>{t("welcomeHeading")}</h1>
        <p class="soft">{t("optionsLead")}</p>
      </header>
      <Card id="demo" title="demo">
        <p>{t("demoLead")}</p>
        <div class="demo">
          <div class="stack">
            <Pad />
            <div class="row spread">
              <button type="button" data-testid="clear-pad" onClick={clearPad}>
                {t("clearPad")}
              </button>
            </div>
          </div>
          <div class="stack">
            <DeviceChoice />
            <Samples />
            <Answer />
          </div>
        </div>
      </Card>
      <div class="columns">
        <Points id="does" title="does" points={["doesAsk", "doesHere", "doesShare", "doesLog", "doesBridge"]} />
        <Points id="never" title="never" points={["neverTells", "neverKeeps", "neverReads", "neverAlone"]} />
      </div>
      <Card id="next" title="next">
        <p>{t("nextLead")}</p>
        <div class="row">
          <button type="button" onClick={() => void browser.runtime.openOptionsPage()}>
            {t("settings")}
          </button>
          <MorePages />
        </div>
      </Card>
    </main>
  )
}

function Points({ id, title, points }: { id: string; title: MessageKey; points: MessageKey[] }) {
  return (
    <Card id={id} title={title}>
      <ul class="bullets">
        {points.map((point) => (
          <li key={point}>{t(point)}</li>
        ))}
      </ul>
    </Card>
  )
}

/** Which device is to read. Devices are looked for when somebody comes to choose. */
function DeviceChoice() {
  const looking = useSignal(false)
  const isLooking = looking.value || started.value
  return (
    <label>
      {t("device")}
      <select
        data-testid="demo-device"
        value={wantedDevice.value}
        onFocus={() => (looking.value = true)}
        onChange={(event) => readOn(event.currentTarget.value)}
      >
        <option value="">{t("deviceAny")}</option>
        {isLooking && <Devices />}
      </select>
    </label>
  )
}

function Devices() {
  const report = live("hardware.report").value
  if (!report) return <option disabled>{t("devicesLooking")}</option>
  return (
    <>
      {report.devices.map((device) => (
        <option key={device.id} value={device.id}>
          {`${device.id} · ${adapterWords(device)}`}
        </option>
      ))}
    </>
  )
}
