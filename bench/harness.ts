/** Compares two ways to do one thing, in one run and interleaved, and writes what came out to bench/results/. */
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, release, totalmem } from "node:os"
import path from "node:path"
import { repoRoot } from "../scripts/sources.ts"
import { benjaminiHochberg, bootstrapRatio, mannWhitney, median } from "./statistics.ts"

export interface Arm {
  name: string
  /** One run. Returns nothing (it is timed), or the sample itself in the comparison's unit. */
  run(): Promise<number | undefined> | Promise<void> | number | undefined | void
}

export interface Comparison {
  case: string
  subject: Arm
  baseline: Arm
  /** `ms`, `MiB/s`, `runs/s`, … */
  unit: string
  /** True for times, false for rates; default: whether the unit is `ms`. */
  lowerIsBetter?: boolean
  /** Samples an arm, at least, unless the budget ends first; default 30. */
  minSamples?: number
  /** Time for the case, warm-up not counted; default 20 s. */
  budgetMs?: number
  /** Runs in one sample, for what is over too fast to be timed alone; default 1. */
  inner?: number
  /** For a rate: what one run moves or does, in the unit's own (MiB for MiB/s); default 1. */
  work?: number
  /** Runs of each arm before the clock starts; default 3. */
  warmup?: number
  note?: string
}

export interface Row {
  case: string
  subject: string
  baseline: string
  unit: string
  /** Samples of each arm. */
  n: number
  subjectMedian: number
  baselineMedian: number
  /** How many times better the subject is: > 1 is better. With the 95 % bootstrap interval of the ratio of medians. */
  ratio: number
  ratioLow: number
  ratioHigh: number
  /** Mann-Whitney, two-sided. */
  p: number
  note?: string
}

/** A case that could not be run here, and why. */
export interface NotRun {
  case: string
  reason: string
}

/** What stands behind a commit that was not measured as it is. */
const CHANGES = " and changes"
const measured = commitMeasured(repoRoot)

const FEW = 30

/** Runs both arms interleaved (ABBA, so that neither has the warmer or quieter half) and says how they compare. */
export async function compare(comparison: Comparison): Promise<Row> {
  const { subject, baseline, unit, inner = 1, work = 1, minSamples = FEW, budgetMs = 20_000, warmup = 3 } = comparison
  const lowerIsBetter = comparison.lowerIsBetter ?? unit === "ms"
  const sample = async (arm: Arm) => {
    const start = performance.now()
    let own: number | undefined
    for (let i = 0; i < inner; i++) own = (await arm.run()) as number | undefined
    if (typeof own === "number") return own
    const ms = (performance.now() - start) / inner
    return lowerIsBetter ? ms : (work * 1000) / ms
  }
  for (let i = 0; i < warmup; i++) for (const arm of [subject, baseline]) await arm.run()
  const samples = new Map<Arm, number[]>([
    [subject, []],
    [baseline, []],
  ])
  const begin = performance.now()
  let n = 0
  while (n < minSamples && (n < 2 || performance.now() - begin < budgetMs)) {
    for (const arm of [subject, baseline, baseline, subject]) samples.get(arm)?.push(await sample(arm))
    n += 2
  }
  const mine = samples.get(subject) as number[]
  const theirs = samples.get(baseline) as number[]
  const [above, below] = lowerIsBetter ? [theirs, mine] : [mine, theirs]
  const [ratioLow, ratioHigh] = bootstrapRatio(above, below)
  const notes = [comparison.note, n < FEW && `n = ${n}, not ${FEW}: the time for the case was over`]
  const note = notes.filter((text) => text).join("; ")
  return {
    case: comparison.case,
    subject: subject.name,
    baseline: baseline.name,
    unit,
    n,
    subjectMedian: rounded(median(mine)),
    baselineMedian: rounded(median(theirs)),
    ratio: rounded(median(above) / median(below)),
    ratioLow: rounded(ratioLow),
    ratioHigh: rounded(ratioHigh),
    p: rounded(mannWhitney(mine, theirs)),
    ...(note && { note }),
  }
}

/** Units of what is counted and not timed: the same on any machine, and fewer is better. */
const countUnits = ["dispatches", "bytes"] as const
export type CountUnit = (typeof countUnits)[number]
export const isCount = (unit: string): boolean => (countUnits as readonly string[]).includes(unit)

/** A row of counts. There is nothing to repeat and no chance: `n` is 1. */
export function exact(
  name: string,
  subject: string,
  baseline: string,
  unit: CountUnit,
  mine: number,
  theirs: number,
): Row {
  const ratio = rounded(theirs / mine)
  const p = mine === theirs ? 1 : 0
  return {
    case: name,
    subject,
    baseline,
    unit,
    n: 1,
    subjectMedian: mine,
    baselineMedian: theirs,
    ratio,
    ratioLow: ratio,
    ratioHigh: ratio,
    p,
  }
}

const FALSE_DISCOVERIES = 0.01
export const NO_DIFFERENCE = "no significant difference"

/** What is said of a difference that chance could have made: with few samples a side it could have made the largest. */
export function chanceWords(n: number): string {
  const ours = Array.from({ length: n }, (_, i) => i)
  const farthest = mannWhitney(
    ours,
    ours.map((value) => value + n),
  )
  return farthest > FALSE_DISCOVERIES ? "too few samples to tell" : NO_DIFFERENCE
}

/**
 * Writes bench/results/<name>.json (below `IPFA_BENCH_RESULTS` where that is set) and prints the rows. A difference that chance could have made
 * (false discovery rate 1 %) is marked. `adapter`: the GPU that was measured, if one was.
 */
export function writeResult(
  name: string,
  rows: readonly Row[],
  notRun: readonly NotRun[] = [],
  adapter?: string,
): void {
  const significant = benjaminiHochberg(
    rows.map((row) => row.p),
    FALSE_DISCOVERIES,
  )
  const marked = rows.map((row, i) =>
    significant[i] || isCount(row.unit)
      ? row
      : { ...row, note: [row.note, chanceWords(row.n)].filter(Boolean).join("; ") },
  )
  const folder = path.resolve(repoRoot, process.env.IPFA_BENCH_RESULTS ?? "bench/results")
  mkdirSync(folder, { recursive: true })
  const on = [adapter, machine()].filter(Boolean).join(", ")
  const result = { name, date: new Date().toISOString(), commit: measured(), machine: on, rows: marked, notRun }
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`)
  printRows(marked)
  for (const { case: name, reason } of notRun) console.log(`${name}: NOT_RUN (${reason})`)
}

export function printRows(rows: readonly Row[]): void {
  for (const r of rows)
    console.log(
      `${r.case}: ${r.subject} ${r.subjectMedian} ${r.unit}, ${r.baseline} ${r.baselineMedian} ${r.unit}, ` +
        `ratio ${r.ratio} [${r.ratioLow}, ${r.ratioHigh}], n ${r.n}${r.note ? ` (${r.note})` : ""}`,
    )
}

const rounded = (value: number) => Number(value.toPrecision(4))

/** Takes down which commit is there now, before anything is measured; what it returns says at the end whether it still is. */
export function commitMeasured(dir: string): () => string {
  const before = commit(dir)
  return () => (commit(dir) === before || before.endsWith(CHANGES) ? before : before + CHANGES)
}

function commit(cwd: string): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim()
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results") !== ""
    return git("rev-parse", "--short=12", "HEAD") + (changed ? CHANGES : "")
  } catch {
    return "unknown"
  }
}

export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? process.arch
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${model}, ${availableParallelism()} cores, ${memory}, ${process.platform} ${release()}, Node ${process.version}`
}
