import { type MessageKey, t } from "../text.tsx"
import type { Choices, Filter } from "./database.ts"
import { choose, filter, nameOf } from "./results.ts"

/** Which benchmarks are shown. */
export function Filters({ choices: { models, devices, backends } }: { choices: Choices }) {
  const same = (value: string) => ({ value, text: value })
  return (
    <search class="filters" aria-label={t("filters")}>
      <Choice
        of="sha256"
        label="model"
        all="allModels"
        options={models.map((m) => ({ value: m.sha256, text: nameOf(m.sha256) }))}
      />
      <Choice of="device" label="device" all="allDevices" options={devices.map(same)} />
      <Choice of="backend" label="backend" all="allBackends" options={backends.map(same)} />
    </search>
  )
}

interface ChoiceProps {
  of: keyof Filter
  label: MessageKey
  all: MessageKey
  options: { value: string; text: string }[]
}

function Choice({ of, label, all, options }: ChoiceProps) {
  return (
    <label>
      {t(label)}
      <select
        value={filter.value[of]}
        data-testid={`filter-${of}`}
        onChange={(event) => void choose({ [of]: event.currentTarget.value })}
      >
        <option value="">{t(all)}</option>
        {options.map(({ value, text }) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}
