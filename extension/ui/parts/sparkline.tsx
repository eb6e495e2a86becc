const WIDTH = 96
const HEIGHT = 20
const MARGIN = 2

/** A line through `values`, oldest first, from 0 up; `label` says what it shows. In time's direction whichever way the text reads. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(...values)
  const points = values.map((value, i) => {
    const x = MARGIN + (values.length > 1 ? (i / (values.length - 1)) * (WIDTH - 2 * MARGIN) : WIDTH / 2)
    const y = HEIGHT - MARGIN - (most > 0 ? value / most : 0) * (HEIGHT - 2 * MARGIN)
    return [x.toFixed(1), y.toFixed(1)] as const
  })
  const last = points.at(-1)
  return (
    <svg class="sparkline" role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} dir="ltr">
      <polyline points={points.map((point) => point.join(",")).join(" ")} />
      {last && <circle cx={last[0]} cy={last[1]} r={2} />}
    </svg>
  )
}
