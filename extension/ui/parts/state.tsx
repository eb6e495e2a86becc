import type { ComponentChildren } from "preact"

export type Tone = "good" | "warn" | "bad" | "soft"

/** A dot in the tone's colour; what it means stands in words beside it. */
export function Dot({ tone }: { tone: Tone }) {
  return <span class={`dot ${tone}`} aria-hidden="true" />
}

/** How something is, told to a screen reader whenever it changes; so it is there before there is something to say. */
export function State(props: { tone: Tone; testId?: string; state?: string; children?: ComponentChildren }) {
  const { tone, testId, state, children } = props
  return (
    <p role="status" class={tone} data-testid={testId} data-state={state}>
      {children && <Dot tone={tone} />}
      {children}
    </p>
  )
}
