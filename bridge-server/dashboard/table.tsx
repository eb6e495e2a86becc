import type { ComponentChildren } from "preact"
import { type MessageKey, t } from "../page-parts/text.tsx"

export interface Column {
  title: MessageKey
  /** Numbers stand at the right, so that their digits are below each other. */
  number?: boolean
}

/** A table that scrolls sideways in a narrow window, by keyboard too. `label` says what it lists. */
export function Table({
  label,
  columns,
  children,
}: {
  label: string
  columns: readonly Column[]
  children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, number }) => (
              <th key={title} scope="col" class={number ? "number" : undefined}>
                {t(title)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
