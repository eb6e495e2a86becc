/** `npm run bench [-- --quick] [-- NAME …]`: all benchmarks or those named, one after another, and a table of what came out. */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { parseArgs } from "node:util"
import type { NotRun, Row } from "../bench/harness.ts"
import { runNode } from "./run-node.ts"
import { repoRoot } from "./sources.ts"

/** Time for a case of a quick run, ms: enough to see that it works, not to believe it. */
const QUICK_MS = 1000

/** What is in bench/ itself besides comparisons. */
const parts = ["aims", "burst", "harness", "models", "statistics"]
const benchmarks = globSync("bench/*.ts", { cwd: repoRoot })
  .map((file) => path.basename(file, ".ts"))
  .filter((name) => !parts.includes(name))
  .sort()

const usage = `npm run bench -- [--quick] [--budget MS] [NAME …]

  NAME       ${benchmarks.join(", ")}; all of them where none is named
  --budget   time for a case, ms; each benchmark has its own
  --quick    ${QUICK_MS / 1000} s a case, and bench/results stays as it is`

async function run(name: string, budget: string | undefined, results: string): Promise<boolean> {
  console.log(`\n${name}`)
  const args = [path.join("bench", `${name}.ts`), ...(budget ? ["--budget", budget] : [])]
  return (await runNode(args, { ...process.env, IPFA_BENCH_RESULTS: results })) === 0
}

function table(name: string, results: string): string[][] {
  // one that says nothing on this machine, and has said so
  if (!existsSync(path.join(results, `${name}.json`))) return []
  const { rows, notRun } = JSON.parse(readFileSync(path.join(results, `${name}.json`), "utf8")) as {
    rows: Row[]
    notRun: NotRun[]
  }
  return [
    ...rows.map((row) => [
      name,
      row.case,
      `${row.subjectMedian} ${row.unit}`,
      `${row.baselineMedian} ${row.unit}`,
      String(row.ratio),
      `${row.ratioLow} – ${row.ratioHigh}`,
      String(row.n),
    ]),
    ...notRun.map(({ case: name, reason }) => ["", name, "NOT_RUN", reason, "", "", ""]),
  ]
}

function print(rows: readonly string[][]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
}

const { values, positionals } = parseArgs({
  options: {
    budget: { type: "string" },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !benchmarks.includes(name))
if (values.help || unknown) {
  console[unknown ? "error" : "log"](unknown ? `There is no benchmark ${unknown}.\n\n${usage}` : usage)
  process.exit(unknown ? 1 : 0)
}
const results = values.quick ? mkdtempSync(path.join(tmpdir(), "ipfa-bench-")) : path.join(repoRoot, "bench", "results")
process.once("exit", () => {
  if (values.quick) rmSync(results, { recursive: true })
})
const done: string[] = []
const failed: string[] = []
for (const name of positionals.length > 0 ? positionals : benchmarks)
  ((await run(name, values.budget ?? (values.quick ? String(QUICK_MS) : undefined), results)) ? done : failed).push(
    name,
  )
if (done.length > 0) {
  console.log("\nRatio: how many times better than the baseline (> 1 is better), with its 95 % interval.\n")
  print([
    ["benchmark", "case", "subject", "baseline", "ratio", "interval", "n"],
    ...done.flatMap((name) => table(name, results)),
  ])
}
if (!values.quick) await import("./generate-benchmarks.ts").then(({ write }) => write())
for (const name of failed) console.error(`${name} failed`)
process.exit(failed.length === 0 ? 0 : 1)
