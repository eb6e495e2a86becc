import type { ComponentChildren } from "preact"

interface SwitchProps {
  on: boolean
  label: ComponentChildren
  /** What it means, under the label. */
  note?: ComponentChildren
  /** What a screen reader says instead, where the label alone does not tell what it switches. */
  name?: string
  testId?: string
  disabled?: boolean
  onChange(on: boolean): void
}

/** On or off, at once. */
export function Switch({ on, label, note, name, testId, disabled, onChange }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={on}
        aria-checked={on}
        aria-label={name}
        disabled={disabled}
        data-testid={testId}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span class="stack">
        <span>{label}</span>
        {note && <span class="small soft">{note}</span>}
      </span>
    </label>
  )
}
