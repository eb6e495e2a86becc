import digits from "../../../models/digits/samples.json" with { type: "json" }
import { t } from "../text.tsx"
import { read } from "./demo.ts"
import { clearPad } from "./pad.tsx"
import { Pixels } from "./pixels.tsx"

const { samples } = digits

/** Of each digit, which somebody wrote and the model never saw, the one that it is the surest of. */
const written = [...Array(10).keys()].map((digit) => {
  const sure = ({ logits }: { logits: number[] }) => logits[digit] ?? 0
  return samples.filter(({ label }) => label === digit).reduce((a, b) => (sure(b) > sure(a) ? b : a))
})

/** Digits to choose instead of drawing one. */
export function Samples() {
  return (
    <fieldset class="samples row">
      <legend class="small soft">{t("samples")}</legend>
      {written.map(({ label, image }) => (
        <button
          key={label}
          type="button"
          aria-label={t("sampleName", String(label))}
          data-testid={`sample-${label}`}
          onClick={() => {
            clearPad()
            void read(Float32Array.from(image))
          }}
        >
          <Pixels ink={image} />
        </button>
      ))}
    </fieldset>
  )
}
