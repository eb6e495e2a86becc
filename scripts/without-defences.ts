/**
 * `npm run defences`: takes each defence of test/attacks/defences.ts out of a copy of the working tree, and says which test notices. Without it the test
 * does what the attack does: of S12 some ask this machine's network for addresses such as 169.254.169.254.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { parseArgs } from "node:util"
import { type Defence, defences } from "../test/attacks/defences.ts"
import { sharedDir } from "../test/support/shared.ts"
import { listFiles, repoRoot } from "./sources.ts"

const usage = `npm run defences -- [--only LIST] [--list]

  --only LIST   what is taken out: attacks, or parts of the words for a defence, as S4,cookies
  --list        says which there are, and takes nothing out

Exit code 0 where a test noticed each of them.`

/** An entry's tests end after that, ms, whatever they do. */
const LONGEST_MS = 15 * 60_000
/** After SIGTERM, in which tests end their browsers and servers. */
const GRACE_MS = 10_000

export type DefenceFault =
  | "nothing taken out"
  | "a file that is gone"
  | "a text that is gone"
  | "a text that is there twice"
  | "a text that stays"
  | "no test"
  | "a test file that is gone"

/** Entries that can't be judged as they stand, one sentence each; `read` gives a file of the repository, undefined where there is none. */
export function defenceFaults(entries: readonly Defence[], read: (file: string) => string | undefined): string[] {
  return entries.flatMap(({ attack, what, cuts, tests }) => {
    const say = (fault: DefenceFault, where = "") => `${attack} ${what}: ${fault}${where && ` (${where})`}`
    const ofCuts = cuts.flatMap(({ file, from, to }) => {
      const found = read(file)?.split(from).length
      if (found === undefined) return [say("a file that is gone", file)]
      if (found !== 2) return [say(found < 2 ? "a text that is gone" : "a text that is there twice", file)]
      return from === to ? [say("a text that stays", file)] : []
    })
    const gone = tests.filter((test) => read(test) === undefined)
    return [
      ...(cuts.length === 0 ? [say("nothing taken out")] : ofCuts),
      ...(tests.length === 0 ? [say("no test")] : gone.map((test) => say("a test file that is gone", test))),
    ]
  })
}

interface Report {
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { status: string; fullName: string }[]
  }[]
}

interface Outcome {
  passed: number
  failed: string[]
  /** Why the tests could not be run as a whole: a file that can't be loaded, a hook that failed, too long. */
  broken?: string
}

/** Makes `copy` one of the working tree, with the packages linked. What tests run there is the copy's: all imports are relative. */
function copyTree(copy: string): void {
  for (const file of listFiles()) cpSync(path.join(repoRoot, file), path.join(copy, file))
  for (const folder of ["node_modules", "bridge-server/node_modules"]) {
    const there = path.join(repoRoot, folder)
    if (existsSync(there)) symlinkSync(realpathSync(there), path.join(copy, folder), "junction")
  }
}

let ending: (() => void) | undefined

/** Runs Node in the copy; resolves with its exit code, undefined where it had to be ended, and the end of what it said. */
async function node(copy: string, args: string[]): Promise<{ code: number | undefined; said: string }> {
  const child = spawn(process.execPath, args, {
    cwd: copy,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, IPFA_SHARED: sharedDir },
    detached: true,
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk).slice(-4000)
    })
  // The whole group: vitest's processes, and the browsers and servers of their tests.
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, name)
    } catch {
      // It has ended.
    }
  }
  ending = () => signal("SIGTERM")
  let late = false
  const timer = setTimeout(async () => {
    late = true
    signal("SIGTERM")
    await delay(GRACE_MS)
    signal("SIGKILL")
  }, LONGEST_MS)
  const [code] = (await once(child, "close")) as [number | null]
  clearTimeout(timer)
  ending = undefined
  return { code: late ? undefined : (code ?? 1), said }
}

/** The extensions that a test file drives. */
function extensionsOf(copy: string, test: string): string[] {
  const text = readFileSync(path.join(copy, test), "utf8")
  return [
    ...(text.includes("support/extension.ts") ? ["chrome-mv3"] : []),
    ...(text.includes("support/firefox.ts") ? ["firefox-mv2"] : []),
  ]
}

/** Runs the tests of those files whose names `names` matches. */
async function runTests(copy: string, tests: readonly string[], names: string | undefined): Promise<Outcome> {
  const nothing = { passed: 0, failed: [] }
  // Built before: a build that fails is no test that does.
  const targets = [...new Set(tests.flatMap((test) => extensionsOf(copy, test)))]
  if (targets.length > 0) {
    const { code, said } = await node(copy, ["scripts/build-extension.ts", ...targets])
    if (code !== 0) return { ...nothing, broken: said }
  }
  const file = path.join(copy, "report.json")
  rmSync(file, { force: true })
  const vitest = path.join(copy, "node_modules", "vitest", "vitest.mjs")
  const select = names === undefined ? [] : ["--testNamePattern", names]
  // One that fails is enough: without a defence others may wait for what never comes.
  const args = [vitest, "run", "--bail=1", "--reporter=json", `--outputFile.json=${file}`, ...select, ...tests]
  const { code, said } = await node(copy, args)
  if (code === undefined) return { ...nothing, broken: `not done after ${LONGEST_MS / 60_000} minutes` }
  if (!existsSync(file)) return { ...nothing, broken: said }
  const { testResults } = JSON.parse(readFileSync(file, "utf8")) as Report
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = all.filter(({ status }) => status === "failed").map(({ fullName }) => fullName)
  const passed = all.filter(({ status }) => status === "passed").length
  const bad = testResults.find(({ status, assertionResults }) => {
    return status === "failed" && !assertionResults.some((result) => result.status === "failed")
  })
  return { passed, failed, ...(bad && { broken: `${bad.name}: ${bad.message}` }) }
}

/** Takes the defence out, runs its tests and puts it back. Gives the words for what came of it, and whether a test noticed. */
async function judge(copy: string, { cuts, tests, names }: Defence): Promise<[noticed: boolean, words: string]> {
  const before = new Map<string, string>()
  try {
    for (const cut of cuts) {
      const file = path.join(copy, cut.file)
      const text = readFileSync(file, "utf8")
      const parts = text.split(cut.from)
      if (parts.length !== 2) return [false, `THE TEXT IS NOT THERE ONCE: ${cut.file}`]
      if (!before.has(file)) before.set(file, text)
      writeFileSync(file, parts.join(cut.to))
    }
    const { passed, failed, broken } = await runTests(copy, tests, names)
    if (failed.length > 0) return [true, `held up by: ${failed[0]}`]
    if (broken !== undefined) return [false, `THE TESTS COULD NOT BE RUN: ${broken}`]
    return [false, passed === 0 ? "NO TEST HAS THAT NAME" : "NOTHING FAILED"]
  } finally {
    for (const [file, text] of before) writeFileSync(file, text)
  }
}

/** Files whose tests fail, or are not run at all, with every defence in place, and why: what they say without one has no meaning. */
async function failsAnyway(copy: string, chosen: readonly Defence[]): Promise<Map<string, string>> {
  const faults = new Map<string, string>()
  for (const test of new Set(chosen.flatMap(({ tests }) => tests))) {
    const its = chosen.filter(({ tests }) => tests.includes(test)).map(({ names }) => names)
    const names = its.includes(undefined) ? undefined : [...new Set(its)].join("|")
    const { passed, failed, broken } = await runTests(copy, [test], names)
    const fault = failed[0] ?? broken ?? (passed === 0 ? "no test was run" : undefined)
    console.log(`${test}: ${fault === undefined ? `${passed} passed` : `FAILS WITH NOTHING TAKEN OUT: ${fault}`}`)
    if (fault !== undefined) faults.set(test, fault)
  }
  return faults
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const wanted = values.only?.split(",")
  const chosen = defences.filter(
    ({ attack, what }) => !wanted || wanted.some((part) => part === attack || what.includes(part)),
  )
  if (values.list) {
    for (const { attack, what, tests } of chosen) console.log(`${attack.padEnd(6)} ${what} [${tests.join(", ")}]`)
    return 0
  }
  if (chosen.length === 0) {
    console.error(usage)
    return 2
  }
  const copy = realpathSync(mkdtempSync(path.join(tmpdir(), "ipfa-defences-")))
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(name, () => {
      ending?.()
      rmSync(copy, { recursive: true, force: true })
      process.exit(1)
    })
  try {
    copyTree(copy)
    console.log("With nothing taken out:")
    const faults = await failsAnyway(copy, chosen)
    console.log("\nWithout:")
    let held = 0
    for (const defence of chosen) {
      const started = performance.now()
      const fault = defence.tests.find((test) => faults.has(test))
      const [noticed, words] = fault
        ? [false, `NOT JUDGED: ${fault} fails with nothing taken out`]
        : await judge(copy, defence)
      if (noticed) held++
      const seconds = Math.round((performance.now() - started) / 1000)
      console.log(`${defence.attack.padEnd(6)} ${defence.what} … ${words} [${seconds} s]`)
    }
    console.log(`\n${chosen.length} taken out, ${held} noticed, ${chosen.length - held} not`)
    return held === chosen.length ? 0 : 1
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

if (import.meta.main) process.exitCode = await main()
