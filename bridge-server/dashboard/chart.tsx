import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import { TIME_STEPS, tickTime } from "../../engine/agent/screen-words.ts"
import { themeColor } from "../../engine/agent/theme-color.ts"
import { language } from "../page-parts/text.tsx"

export interface Line {
  label: string
  /** A custom property of the style, such as `--accent`. */
  color: string
  /** Lengths of stroke and gap, so that lines differ in more than colour. */
  dash?: number[]
  fill?: boolean
  points?: boolean
}

export interface ChartProps {
  /** What is seen, in words. */
  label: string
  /** x first, then a row for each line; null where a line has no value. */
  data: uPlot.AlignedData
  lines: readonly Line[]
  /** Writes x; without it, x is seconds since 1970. */
  xText?(x: number): string
  heightPx?: number
}

/** uPlot in Preact: made anew when its lines change, fed when its data do, as wide as its place, in the colours of the theme. */
export function Chart({ label, data, lines, xText, heightPx = 180 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const shape = JSON.stringify(lines)

  // `shape` stands for the lines; data is fed below.
  useEffect(() => {
    const at = place.current as HTMLDivElement
    const color = (name: string) => () => themeColor(at, name)
    const grid = { stroke: color("--line"), width: 1 }
    const axis = { stroke: color("--ink-soft"), grid, ticks: grid }
    const made = new uPlot(
      {
        width: Math.max(at.clientWidth, 50),
        height: heightPx,
        scales: { x: { time: !xText }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
        legend: { show: false },
        cursor: { show: false },
        axes: [
          {
            ...axis,
            space: xText ? 50 : 90,
            ...(!xText && { incrs: TIME_STEPS }),
            values: (_, ticks, __, ___, step) =>
              ticks.map((x) => (xText ? xText(x) : tickTime(x * 1000, step, language()))),
          },
          { ...axis, size: 56 },
        ],
        series: [
          {},
          ...lines.map(({ label: name, color: c, dash, fill, points = false }) => ({
            label: name,
            stroke: color(c),
            width: 2,
            spanGaps: true,
            points: { show: points, size: 6, fill: color(c) },
            ...(dash && { dash }),
            ...(fill && { fill: () => `color-mix(in srgb, ${themeColor(at, c)} 18%, transparent)` }),
          })),
        ],
      },
      data,
      at,
    )
    plot.current = made
    const onResize = new ResizeObserver(() => made.setSize({ width: Math.max(at.clientWidth, 50), height: heightPx }))
    onResize.observe(at)
    const theme = matchMedia("(prefers-color-scheme: dark)")
    const onTheme = () => made.redraw()
    theme.addEventListener("change", onTheme)
    return () => {
      onResize.disconnect()
      theme.removeEventListener("change", onTheme)
      made.destroy()
    }
  }, [shape])
  useEffect(() => plot.current?.setData(data), [data])

  return <div ref={place} class="chart" dir="ltr" role="img" aria-label={label} />
}
