import type { Fallback } from "../../../protocol/index.ts"
import { Fault } from "../fault.tsx"
import { language, Text, t } from "../text.tsx"
import { adapterWords, milliseconds } from "../words.ts"
import { busy, fault, reading } from "./demo.ts"
import { Pixels } from "./pixels.tsx"

const digits = [...Array(10).keys()]
const percent = (share: number) => share.toLocaleString(language(), { style: "percent" })

/** What the model read, how sure it is, and where and how fast that was computed. */
export function Answer() {
  const now = reading.value
  return (
    <div class="answer stack" aria-busy={busy.value}>
      <div role="status" class="stack" data-testid="answer" data-digit={now?.digit} data-device={now?.device.id}>
        {now ? (
          <>
            <strong class="digit">{t("thisIs", String(now.digit), percent(now.probabilities[now.digit] ?? 0))}</strong>
            <span>{t("computedOn", now.device.id, adapterWords(now.device), milliseconds(now.runMs))}</span>
            {now.fellBackFrom && <FellBack from={now.fellBackFrom} />}
          </>
        ) : (
          <span class="soft">{t(busy.value ? "starting" : "drawFirst")}</span>
        )}
      </div>
      <Fault error={fault.value} />
      {now && (
        <div class="row seen">
          <figure class="stack small soft">
            <Pixels ink={now.ink} />
            <figcaption>{t("modelSees")}</figcaption>
          </figure>
          <ol class="chances small">
            {digits.map((digit) => (
              <li key={digit}>
                <span>{digit.toLocaleString(language())}</span>
                <Chance digit={digit} share={now.probabilities[digit] ?? 0} />
              </li>
            ))}
          </ol>
        </div>
      )}
    </div>
  )
}

function FellBack({ from: { id, reason } }: { from: Fallback }) {
  return (
    <span class="small warn" data-testid="fell-back">
      <Text
        of="fellBack"
        with={[
          <bdi key="from">{id}</bdi>,
          // Reasons come from where it was tried, in English.
          <bdi key="reason" lang="en">
            {reason}
          </bdi>,
        ]}
      />
    </span>
  )
}

function Chance({ digit, share }: { digit: number; share: number }) {
  return <meter aria-label={String(digit)} aria-valuetext={percent(share)} value={share} max={1} />
}
