import type { ComponentChildren, RefObject } from "preact"

interface ChoiceProps {
  value: number
  /** What may be chosen; the value is one of them, even where it is no usual one. */
  values: readonly number[]
  label: string
  /** What it means, under the label. */
  note?: ComponentChildren
  testId?: string
  /** Becomes what is chosen with. */
  select?: RefObject<HTMLSelectElement | null>
  words(value: number): string
  onChange(value: number): void
}

/** One of a few amounts. */
export function Choice({ value, values, label, note, testId, select, words, onChange }: ChoiceProps) {
  const all = [...new Set([...values, value])].sort((a, b) => a - b)
  return (
    <label class="choice">
      <span class="stack">
        <span>{label}</span>
        {note && <span class="small soft">{note}</span>}
      </span>
      <select
        ref={select}
        data-testid={testId}
        value={String(value)}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      >
        {all.map((amount) => (
          <option key={amount} value={String(amount)}>
            {words(amount)}
          </option>
        ))}
      </select>
    </label>
  )
}
