import type { ComponentChildren } from "preact"
import { type MessageKey, t } from "../text.tsx"

/** A part of a screen under its heading; `aside` stands beside that. `id` is the section's address within the page. */
export function Card(props: { id: string; title: MessageKey; aside?: ComponentChildren; children: ComponentChildren }) {
  const { id, title, aside, children } = props
  return (
    <section class="card" id={id} aria-labelledby={`${id}-title`}>
      <div class="row spread">
        <h2 id={`${id}-title`}>{t(title)}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}
