import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { TIME_STEPS, tickTime } from "../../../engine/agent/screen-words.ts"
import { themeColor } from "../../../engine/agent/theme-color.ts"
import { language, t } from "../text.tsx"
import { milliseconds } from "../words.ts"

/** Medians of one device with one model. */
export interface Line {
  /** Of the line, from 1: `--chart-1` … */
  colour: number
  /** ms since 1970, and ms; oldest first. */
  points: readonly (readonly [at: number, p50Ms: number])[]
}

const HEIGHT = 260
const DASHES = [[], [8, 4], [2, 4], [8, 4, 2, 4]]

/** Medians over time, on a logarithmic scale: devices differ by powers of ten. The table beside it says the same in words. */
export function Chart({ lines }: { lines: readonly Line[] }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current as HTMLDivElement
    let plot: uPlot | undefined
    const draw = () => {
      plot?.destroy()
      plot = new uPlot(options(element, lines), dataOf(lines), element)
    }
    draw()
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    const dark = matchMedia("(prefers-color-scheme: dark)")
    dark.addEventListener("change", draw)
    return () => {
      resized.disconnect()
      dark.removeEventListener("change", draw)
      plot?.destroy()
    }
  }, [lines])
  // Time runs from left to right in every language.
  return <div ref={place} class="chart" dir="ltr" role="img" aria-label={t("chartLabel")} data-testid="chart" />
}

function options(element: HTMLElement, lines: readonly Line[]): uPlot.Options {
  const font = `12px ${getComputedStyle(element).fontFamily}`
  const axis = {
    stroke: themeColor(element, "--ink-soft"),
    grid: { stroke: themeColor(element, "--line"), width: 1 },
    ticks: { show: false },
    font,
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: wide },
      ms: { distr: 3, range: (_plot, least, most) => [roundBelow(least / 1.2), most * 1.2] },
    },
    axes: [
      {
        ...axis,
        space: 90,
        incrs: TIME_STEPS,
        values: (_plot, times, _axis, _space, step) => times.map((s) => tickTime(s * 1000, step, language())),
      },
      { ...axis, scale: "ms", size: 70, values: (_plot, values) => values.map((ms) => (ms ? milliseconds(ms) : "")) },
    ],
    series: [
      {},
      ...lines.map(({ colour: number }, i) => {
        const stroke = themeColor(element, `--chart-${number}`)
        return {
          scale: "ms",
          stroke,
          dash: DASHES[i % DASHES.length],
          // Faint: the points are what was measured, the line leads from one to the next.
          width: 1,
          spanGaps: true,
          points: { size: 7, fill: stroke },
        }
      }),
    ],
  }
}

/** 1, 2 or 5 times a power of ten: marks are counted from it. */
function roundBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (value >= 5 * power ? 5 : value >= 2 * power ? 2 : 1) * power
}

/** One benchmark alone stands in the middle of a minute. */
function wide(_plot: uPlot, least: number, most: number): uPlot.Range.MinMax {
  const margin = Math.max((most - least) / 50, most > least ? 0 : 30)
  return [least - margin, most + margin]
}

/** All times, and each line's values at them. */
function dataOf(lines: readonly Line[]): uPlot.AlignedData {
  const times = [...new Set(lines.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b)
  const values = lines.map(({ points }) => {
    const byTime = new Map(points)
    return times.map((at) => byTime.get(at))
  })
  return [times.map((at) => at / 1000), ...values]
}
