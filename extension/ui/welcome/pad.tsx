import { signal } from "@preact/signals"
import { t } from "../text.tsx"
import { read } from "./demo.ts"
import { inkOf, type Stroke } from "./ink.ts"

const SIZE = 100

const strokes = signal<Stroke[]>([])

/** Where a digit is drawn, by mouse, pen or finger. It is read after each stroke. */
export function Pad() {
  const draw = (event: PointerEvent) => {
    const pad = event.currentTarget as SVGSVGElement
    const { left, top, width, height } = pad.getBoundingClientRect()
    // All the points that the browser has gathered since the last event, where it tells of them.
    const events = event.getCoalescedEvents?.() ?? []
    const points = (events.length > 0 ? events : [event]).map(
      ({ clientX, clientY }) => [((clientX - left) / width) * SIZE, ((clientY - top) / height) * SIZE] as const,
    )
    const before = strokes.peek()
    const isNew = event.type === "pointerdown"
    const stroke = [...(isNew ? [] : (before.at(-1) ?? [])), ...points]
    strokes.value = [...(isNew ? before : before.slice(0, -1)), stroke]
  }
  const end = () => {
    const ink = inkOf(strokes.peek())
    if (ink) void read(ink)
  }
  return (
    <svg
      class="pad"
      role="img"
      aria-label={t("padLabel")}
      data-testid="pad"
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        draw(event)
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) draw(event)
      }}
      onPointerUp={end}
    >
      <path d={strokes.value.map(([first, ...rest]) => `M${first}L${[first, ...rest].join("L")}`).join("")} />
    </svg>
  )
}

export function clearPad(): void {
  strokes.value = []
}
