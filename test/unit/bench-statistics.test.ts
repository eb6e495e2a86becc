import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { commitMeasured, compare } from "../../bench/harness.ts"
import { benjaminiHochberg, bootstrapRatio, mannWhitney, median, seededRandom } from "../../bench/statistics.ts"

const normal = (seed: number, n: number, mean: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: n }, () => {
    const u = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return mean + u
  })
}

test("the median of an even count is between the middle two", () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test("seeded numbers are the same each time, and spread over [0, 1)", () => {
  const [a, b] = [seededRandom(7), seededRandom(7)]
  const values = Array.from({ length: 10_000 }, a)
  expect(values).toEqual(Array.from({ length: 10_000 }, b))
  expect(values.every((x) => x >= 0 && x < 1)).toBe(true)
  expect(values.reduce((x, y) => x + y) / values.length).toBeCloseTo(0.5, 1)
})

test("the interval of a ratio of medians covers the truth about 95 times in 100", () => {
  let covered = 0
  for (let i = 0; i < 200; i++) {
    const [low, high] = bootstrapRatio(normal(2 * i + 1, 30, 20), normal(2 * i + 2, 30, 10), i, 500)
    if (low <= 2 && 2 <= high) covered++
  }
  expect(covered / 200).toBeGreaterThan(0.9)
  expect(covered / 200).toBeLessThan(1)
})

test("Mann-Whitney gives the p of scipy.stats.mannwhitneyu(method='asymptotic')", () => {
  expect(mannWhitney([1, 2, 3, 4, 5, 6], [4, 5, 6, 7, 8, 9])).toBeCloseTo(0.0363786, 6)
  expect(mannWhitney([1, 1, 2, 2, 3, 3, 9], [1, 2, 3, 3, 4, 4])).toBeCloseTo(0.5090474, 6)
  expect(mannWhitney([5, 5, 5], [5, 5, 5])).toBe(1)
})

test("Benjamini-Hochberg keeps the p values below the line, as in the paper's example", () => {
  const p = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
  ]
  expect(benjaminiHochberg(p, 0.05).filter(Boolean).length).toBe(4)
  expect(benjaminiHochberg([], 0.05)).toEqual([])
})

test("arms run interleaved ABBA, and the ratio says how many times better the subject is", async () => {
  const order: string[] = []
  const arm = (name: string, sample: number) => ({
    name,
    run() {
      order.push(name)
      return sample
    },
  })
  const times = await compare({
    case: "c",
    subject: arm("s", 2),
    baseline: arm("b", 4),
    unit: "ms",
    minSamples: 4,
    warmup: 1,
  })
  expect(order.join("")).toBe("sbsbbssbbs")
  expect(times).toMatchObject({ n: 4, ratio: 2, ratioLow: 2, ratioHigh: 2, subjectMedian: 2, baselineMedian: 4 })
  expect(times.note).toContain("n = 4")
  const rates = await compare({ case: "c", subject: arm("s", 2), baseline: arm("b", 4), unit: "MiB/s" })
  expect(rates).toMatchObject({ n: 30, ratio: 0.5 })
  expect(rates.note).toBeUndefined()
})

test("a result names the commit that was there before it was measured, and says so where that was not all or did not last", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "ipfa bench "))
  const git = (...args: string[]) => execFileSync("git", args, { cwd: dir, encoding: "utf8", stdio: "pipe" }).trim()
  expect(commitMeasured(dir)()).toBe("unknown")
  git("init", "-q")
  mkdirSync(path.join(dir, "bench/results"), { recursive: true })
  const write = (file: string, text: string) => writeFileSync(path.join(dir, file), text)
  const commit = () => {
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@example.test", "commit", "-q", "-m", "x")
    return git("rev-parse", "--short=12", "HEAD")
  }
  write("code.ts", "1")
  write("bench/results/a.json", "1")
  const first = commit()
  const clean = commitMeasured(dir)
  write("bench/results/a.json", "2")
  expect(clean()).toBe(first)
  write("code.ts", "2")
  expect([clean(), commitMeasured(dir)()]).toEqual([`${first} and changes`, `${first} and changes`])
  const second = commit()
  expect([clean(), commitMeasured(dir)()]).toEqual([`${first} and changes`, second])
  rmSync(dir, { recursive: true })
})
