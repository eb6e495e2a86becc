/** What each benchmark is to reach, so that docs/benchmarks.md can say of every result whether it does. */
import type { Row } from "./harness.ts"

export interface Aim {
  benchmark: string
  /** As a person reads it: `Aim: ….` */
  says: string
  /** The rows it is about: those whose case matches. */
  cases: RegExp
  /** What has to hold of a row's … */
  of: "ratio" | "added ms"
  atLeast?: number
  atMost?: number
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
    cases: /, 1 caller,/,
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
    says: "no operation or model slower than onnxruntime-web's WebGPU backend, and no model with more dispatches, bytes moved or memory",
    // Beside those against the device's own peak, against WebAssembly, and of the memory plan against none.
    cases: /^(?!.*(of the FMA peak|of the copy bandwidth|against WebAssembly|memory plan))/i,
    of: "ratio",
    atLeast: 1,
  },
  {
    benchmark: "kernels-node",
    says: "no operation or model slower than onnxruntime-node's WebGPU provider",
    cases: notOfPeak,
    of: "ratio",
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

/** What `aim` is about in a row: the ratio, or how many ms ours takes more. */
function measured({ of }: Aim, { ratio, subjectMedian, baselineMedian }: Row): number {
  return of === "ratio" ? ratio : subjectMedian - baselineMedian
}

/** One paragraph for each aim of `benchmark`: reached, or missed and by which cases. By the medians as they are, whatever their intervals. */
export function verdicts(benchmark: string, rows: readonly Row[]): string[] {
  return aims
    .filter((aim) => aim.benchmark === benchmark)
    .map((aim) => {
      const { says, cases, atLeast = -Infinity, atMost = Infinity } = aim
      const about = rows.filter((row) => cases.test(row.case))
      const head = `Aim: ${says}.`
      if (about.length === 0) return `${head} **Not measured.**`
      const missed = about.filter((row) => !(measured(aim, row) >= atLeast && measured(aim, row) <= atMost))
      if (missed.length === 0) return `${head} **Reached**${about.length > 1 ? ` in all ${about.length} cases` : ""}.`
      const list = missed.map((row) => `${row.case} (${shown(aim, row)})`).join("; ")
      return `${head} **Missed** in ${missed.length} of ${about.length}: ${list}.`
    })
}

function shown(aim: Aim, row: Row): string {
  const value = Number(measured(aim, row).toPrecision(3))
  return aim.of === "ratio" ? `${value}` : `${value} ms`
}
