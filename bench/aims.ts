/** What each benchmark is to reach, so that docs/benchmarks.md can say of every result whether it does. */
import { isCount, type NotRun, type Row } from "./harness.ts"

export interface Aim {
  benchmark: string
  /** As a person reads it: `Aim: ….` */
  says: string
  /** The rows it is about: those whose case matches. */
  cases: RegExp
  /** What has to hold of a row's …; `ratioLow` is the low end of the ratio's interval. */
  of: "ratio" | "ratioLow" | "added ms"
  atLeast?: number
  atMost?: number
  moreThan?: number
  /** Cases that need not reach it, three at most. */
  except?: Readonly<Record<string, Exception>>
  /** It is also about what was not run, where its case matches: named, with the reason. */
  absent?: RegExp
}

/** Why a case need not reach an aim. It is about what was measured, and excepts nothing once that is no longer so. */
export interface Exception {
  because: string
  isSo(row: Row): boolean
}
const noDifference: Exception = {
  because: "no difference beyond noise, 1 being within its interval",
  isSo: ({ ratioLow, ratioHigh }) => ratioLow <= 1 && ratioHigh >= 1,
}

const notOfPeak = /^(?!.*(of the FMA peak|of the copy bandwidth))/

export const aims: readonly Aim[] = [
  {
    benchmark: "page-to-pool",
    says: "0.91 or better for a model of about 5 ms, which 128 digits at once are with one thread",
    cases: /^digits-128,/,
    of: "ratio",
    atLeast: 0.91,
  },
  {
    benchmark: "node-to-native",
    says: "at most 1 ms added to a run",
    cases: /, 1 caller( with pauses)?,/,
    of: "added ms",
    atMost: 1,
  },
  {
    benchmark: "node-to-native",
    says: "0.9 or more of the throughput at 16 callers",
    cases: /, 16 callers,/,
    of: "ratio",
    atLeast: 0.9,
  },
  {
    benchmark: "transports",
    says: "0.7 or more of the bare channel above 1 MiB",
    cases: /, (16|64) MiB,/,
    of: "ratio",
    atLeast: 0.7,
  },
  {
    benchmark: "fair-share",
    says: "0.5 or better: at most twice the wait",
    cases: /./,
    of: "ratio",
    atLeast: 0.5,
  },
  {
    benchmark: "kernels",
    says: "no operation or model slower than onnxruntime-web's WebGPU backend, by the low end of the interval",
    // Beside those against the device's own peak and against WebAssembly, and what is counted.
    cases: /^(?!.*(of the FMA peak|of the copy bandwidth|against WebAssembly|a run$|peak memory|memory plan))/,
    of: "ratioLow",
    atLeast: 1,
    except: { "arg max 512x1024 f32": noDifference, "where 512x1024 f32": noDifference },
    absent: /^(?!whole models|.*WebAssembly$)/,
  },
  {
    benchmark: "kernels",
    says: "fewer dispatches, fewer bytes moved and less peak memory than it for every whole model",
    cases: /^model .*, (dispatches a run|bytes moved a run|peak memory)$/,
    of: "ratio",
    moreThan: 1,
    absent: /^model (?!.*WebAssembly$)/,
  },
  {
    benchmark: "kernels-node",
    says: "no operation or model slower than onnxruntime-node's WebGPU provider, by the low end of the interval",
    cases: notOfPeak,
    of: "ratioLow",
    atLeast: 1,
  },
  ...[
    {
      says: "60 % or more of the FMA peak for a product of 4096",
      cases: /^matmul 4096x4096x4096 f32, of the/,
      atLeast: 0.6,
    },
    {
      says: "75 % or more of the copy bandwidth for a 4-bit GEMV and for decoding",
      cases: /^(gemv|attention decode).*, of the/,
      atLeast: 0.75,
    },
    { says: "no operation slower than onnxruntime-node's WebGPU provider", cases: notOfPeak, atLeast: 1 },
    {
      says: "1.2 or more against it for GEMV, decoding and whole models",
      cases: /^(gemv|attention decode|model)(?!.* of the)/,
      atLeast: 1.2,
    },
  ].map((one): Aim => ({ benchmark: "kernels-gpu", of: "ratio", ...one })),
]

/** What `aim` is about in a row: the ratio, the low end of its interval, or how many ms ours takes more. */
function measured({ of }: Aim, row: Row): number {
  return of === "added ms" ? row.subjectMedian - row.baselineMedian : row[of]
}

function reached(aim: Aim, row: Row): boolean {
  const { atLeast = -Infinity, atMost = Infinity, moreThan = -Infinity } = aim
  const value = measured(aim, row)
  return value >= atLeast && value <= atMost && value > moreThan
}

/** Of the ratio's interval the median decides, and the low end may not reach it. */
function isByMedian({ of }: Aim, { unit, ratioLow }: Row): boolean {
  return of === "ratio" && !isCount(unit) && ratioLow !== undefined
}

/**
 * One paragraph for each aim of `benchmark`: reached, or missed and by which cases, with those that reach it by the median alone, the reasons of
 * those that are excepted, and of what it is about that was not run.
 */
export function verdicts(
  benchmark: string,
  rows: readonly Row[],
  notRun: readonly NotRun[] = [],
  all: readonly Aim[] = aims,
): string[] {
  return all
    .filter((aim) => aim.benchmark === benchmark)
    .map((aim) => {
      const { says, cases, except = {} } = aim
      const about = rows.filter((row) => cases.test(row.case))
      const head = `Aim: ${says}.`
      if (about.length === 0) return `${head} **Not measured.**`
      const failed = about.filter((row) => !reached(aim, row))
      const excepted = failed.filter((row) => except[row.case]?.isSo(row))
      const exceptions = excepted.map((row) => ` Excepted: ${shown(aim, row)}, ${except[row.case]!.because}.`)
      const absent = notRun.filter((one) => aim.absent?.test(one.case))
      const notCompared = absent.map((one) => ` Not compared: ${one.case} (${one.reason.replace(/\.$/, "")}).`)
      const byMedian = about.filter((row) => isByMedian(aim, row))
      const low: Aim = { ...aim, of: "ratioLow" }
      const alone = byMedian.filter((row) => reached(aim, row) && !reached(low, row)).map((row) => shown(low, row))
      const below =
        alone.length > 0 ? [` The low end of the interval is below it in ${alone.length}: ${alone.join("; ")}.`] : []
      const reasons = [...below, ...exceptions, ...notCompared].join("")
      const by = byMedian.length > 0 ? " by the median" : ""
      const missed = failed.filter((row) => !excepted.includes(row))
      const list = missed.map((row) => shown(aim, row)).join("; ")
      if (missed.length > 0) return `${head} **Missed**${by} in ${missed.length} of ${about.length}: ${list}.${reasons}`
      const all = about.length > 1 ? ` in all ${about.length} cases` : ""
      const most = ` in ${about.length - excepted.length} of ${about.length} cases`
      return `${head} **Reached**${by}${excepted.length > 0 ? most : all}.${reasons}`
    })
}

function shown(aim: Aim, row: Row): string {
  const value = Number(measured(aim, row).toPrecision(3))
  return `${row.case} (${value}${aim.of === "added ms" ? " ms" : ""})`
}
