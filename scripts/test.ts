/** `npm test [-- vitest arguments]`: everything the tests need, then all of them, and the count on the last line. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { ensureChromium, ensureFirefox, ensureWebkit, FIREFOX_ABSENT } from "./browsers.ts"
import { ensureExtension } from "./build-extension.ts"
import { runNode } from "./run-node.ts"
import { repoRoot } from "./sources.ts"

if (!(await ensureChromium())) process.exit(1)
if (!(await ensureFirefox())) console.error(`Tests in Firefox are skipped: ${FIREFOX_ABSENT}`)
const webkit = await ensureWebkit(true)
if (typeof webkit === "string") console.error(`Tests in WebKitGTK are skipped: ${webkit}`)
await ensureExtension("chrome-mv3")
await ensureExtension("firefox-mv2")

const dir = mkdtempSync(path.join(tmpdir(), "ipfa-test-"))
process.once("exit", () => rmSync(dir, { recursive: true, force: true }))
const report = path.join(dir, "report.json")
const vitest = path.join(repoRoot, "node_modules", "vitest", "vitest.mjs")
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
const code = await runNode([vitest, "run", ...reporters, ...process.argv.slice(2)])

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}
try {
  const result = JSON.parse(readFileSync(report, "utf8")) as Report
  // A file that fails before its first test counts as one failure.
  const broken = result.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length
  const failed = result.numFailedTests + broken
  const skipped = result.numPendingTests + result.numTodoTests
  const outside = code !== 0 && failed === 0 ? "; it failed all the same, outside of any test, as said above" : ""
  console.log(`${result.numPassedTests} passed, ${failed} failed, ${skipped} skipped${outside}`)
  process.exitCode = code === 0 && failed === 0 ? 0 : 1
} catch {
  console.error("The test run left no report.")
  process.exitCode = 1
}
