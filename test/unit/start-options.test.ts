import { expect, test } from "vitest"
import { table } from "../../scripts/start/events.ts"
import { parseOptions } from "../../scripts/start/options.ts"

test("without a display it is headless, with one it is not, and either can be forced", () => {
  const headless = (argv: string[], env: NodeJS.ProcessEnv) =>
    (parseOptions(argv, env) as { headless: boolean }).headless
  if (process.platform === "linux") expect(headless([], {})).toBe(true)
  expect(headless([], { DISPLAY: ":0" })).toBe(false)
  expect(headless(["--headless"], { DISPLAY: ":0" })).toBe(true)
  expect(headless(["--no-headless"], {})).toBe(false)
})

test("browsers are those named; none is none", () => {
  expect(parseOptions(["--browsers", "chromium, webnn"])).toMatchObject({ browsers: ["chromium", "webnn"] })
  expect(parseOptions(["--browsers", "none"])).toMatchObject({ browsers: [] })
})

test.each([
  [["--port", "99999"], "--port: 99999 is no port"],
  [["--port", "x"], "--port: x is no port"],
  [["--browsers", "opera"], "--browsers: opera is none of"],
  [["--what"], "Unknown option '--what'"],
])("%j is refused with a sentence", (argv, sentence) => {
  expect(parseOptions(argv)).toContain(sentence)
})

test("a device that failed stands in the table with the reason and no figures", () => {
  const row = {
    event: "result" as const,
    agent: "a",
    browser: "chromium",
    backend: "webgpu",
    adapter: "x",
    model: "digits",
    n: 0,
    ok: false,
  }
  expect(table([{ ...row, loadMs: null, firstMs: null, p50Ms: null, reason: "logits differ" }])).toMatch(
    /–.*–.*–\s+0 {2}NO: logits differ$/,
  )
})
