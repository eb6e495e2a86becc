import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { UNWRITTEN } from "../../scripts/new/scaffold.ts"
import { repoRoot } from "../../scripts/sources.ts"

const copied = [
  ...["protocol", "graph", "scheduler", "kernels", "engine", "models", "scripts/new", "test/kernels"],
  ...["scripts/new.ts", "scripts/sources.ts", "scripts/generate-wgsl.ts"],
  ...["package.json", "tsconfig.json", "biome.json", "vitest.config.ts", "test/support/ends-with-vitest.ts"],
]

let copy: string
const inCopy = (command: string, ...args: string[]) =>
  spawnSync(command, args, { cwd: copy, encoding: "utf8", maxBuffer: 2 ** 26 })
const bin = (name: string) => path.join(copy, "node_modules", ".bin", name)
const scaffold = (...args: string[]) => inCopy(process.execPath, "scripts/new.ts", ...args)
const text = (file: string) => readFileSync(path.join(copy, file), "utf8")

/** Kind, name, the files it makes, and a file that then names it. */
const made: [kind: string, name: string, files: string[], registered: [file: string, entry: RegExp]][] = [
  [
    "kernel",
    "twice-over",
    ["twice-over.wgsl", "twice-over.ts", "reference.ts", "cases.ts"].map((file) => `kernels/ops/twice-over/${file}`),
    ["kernels/registry.ts", /= \[[^\]]*\btwiceOver\b[^\]]*\]/],
  ],
  ["method", "garden.water", ["protocol/methods/garden.ts"], ["protocol/methods/index.ts", /^ {2}waterGarden,$/m]],
  ["method", "garden.weed", [], ["protocol/methods/index.ts", /^ {2}weedGarden,$/m]],
  ["method", "benchmark.forget", [], ["protocol/methods/status.ts", /forgetBenchmark = defineMethod/]],
  ["backend", "abacus", ["engine/backends/abacus.ts"], ["engine/backends/index.ts", /import\("\.\/abacus\.ts"\)/]],
  ["backend", "astrolabe", [], ["engine/backends/names.ts", /= \[[^\]]*"abacus", "astrolabe"[^\]]*\]/]],
  ["model", "irises", ["models/irises/README.md", "models/irises/train.py"], ["models/README.md", /`irises\/`/]],
]

beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), "ipfa new "))
  for (const name of copied)
    cpSync(path.join(repoRoot, name), path.join(copy, name), {
      recursive: true,
      filter: (source) => path.basename(source) !== "node_modules",
    })
  symlinkSync(path.join(repoRoot, "node_modules"), path.join(copy, "node_modules"))
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

describe("npm run new", () => {
  test.each(made)(
    "%s %s makes and registers its files, and says what to do next",
    (kind, name, files, [file, entry]) => {
      const { status, stdout, stderr } = scaffold(kind, name)
      expect([status, stderr]).toEqual([0, ""])
      for (const one of files) {
        expect(existsSync(path.join(copy, one)), one).toBe(true)
        expect(stdout).toContain(`made     ${one}`)
      }
      expect(text(file)).toMatch(entry)
      expect(stdout).toMatch(/Next:\n1\. /)
    },
  )

  test("what it made has the types and the format of the rest", () => {
    expect(inCopy(bin("tsc"), "-p", ".").stdout).toBe("")
    const { status, stdout, stderr } = inCopy(
      bin("biome"),
      "ci",
      "--reporter=summary",
      "protocol",
      "kernels",
      "engine",
      "models",
    )
    expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""])
  })

  test("a new kernel agrees with its reference on a device, and its cases catch every wrong variant", () => {
    const files = ["cases", "declarations", "mutants"].map((name) => `test/kernels/${name}.test.ts`)
    const { status } = inCopy(
      process.execPath,
      path.join(copy, "node_modules", "vitest", "vitest.mjs"),
      ...[
        "run",
        ...files,
        "-t",
        "twice-over|each kernel|generated sources",
        "--reporter=json",
        "--outputFile=report.json",
      ],
    )
    const report = JSON.parse(text("report.json")) as {
      testResults: { assertionResults: { fullName: string; status: string }[] }[]
    }
    const ran = report.testResults.flatMap((file) => file.assertionResults).filter((one) => one.status !== "skipped")
    expect(ran.filter((one) => one.status !== "passed").map((one) => one.fullName)).toEqual([])
    expect(ran.filter((one) => one.fullName.includes("twice-over")).length).toBeGreaterThan(8)
    expect(status).toBe(0)
  })

  test("a new method and backend are there to be used, and say truly that nothing is behind them yet", () => {
    const script = `
      const { methods } = await import("./protocol/methods/index.ts")
      const backend = await (await import("./engine/backends/abacus.ts")).createAbacus({})
      const error = await backend.open({ model: "" }, "abacus").catch((error) => error.code)
      console.log(JSON.stringify({ names: methods.map((m) => m.name), probe: await backend.probe(), error }))`
    const { names, probe, error } = JSON.parse(
      execFileSync(process.execPath, ["-e", script], { cwd: copy, encoding: "utf8" }),
    )
    expect(names).toEqual(expect.arrayContaining(["garden.water", "garden.weed", "benchmark.forget"]))
    expect(probe).toEqual({
      devices: [],
      absent: [{ id: "abacus", backend: "abacus", reason: "this backend is not written yet" }],
    })
    expect(error).toBe("IPFA_DEVICE_ABSENT")
  })

  test("what a person has yet to write is marked in each of them but the kernel, which is whole", () => {
    const marked = [
      "protocol/methods/garden.ts",
      "engine/backends/abacus.ts",
      "engine/backends/index.ts",
      "models/irises/README.md",
    ]
    for (const file of marked) expect(text(file), file).toContain(UNWRITTEN)
    for (const file of made[0]![2]) expect(text(file), file).not.toContain(UNWRITTEN)
  })
})

const python = ["/usr/bin/python3", "python3"].find(
  (command) => spawnSync(command, ["-c", "import numpy, onnx, sklearn"]).status === 0,
)

// Python is no part of what this project installs: where it is not there, this is no test of ours.
if (python)
  describe("a new model's script, with Python's numpy, onnx and scikit-learn", () => {
    test("trains a model whose answers ONNX Runtime confirms", async () => {
      execFileSync(python, ["models/irises/train.py"], { cwd: copy })
      const { InferenceSession, Tensor } = await import("onnxruntime-node")
      const session = await InferenceSession.create(path.join(copy, "models/irises/irises.onnx"))
      const { samples, tolerance } = JSON.parse(text("models/irises/samples.json"))
      const data = Float32Array.from(samples.flatMap((sample: { features: number[] }) => sample.features))
      const { probabilities } = await session.run({ features: new Tensor("float32", data, [samples.length, 4]) })
      const expected = samples.flatMap((sample: { probabilities: number[] }) => sample.probabilities) as number[]
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - (probabilities!.data as Float32Array)[i]!)))
      expect(worst).toBeLessThan(tolerance)
      expect(JSON.parse(text("models/irises/report.json")).accuracy).toBeGreaterThan(0.9)
    })
  })

/** Every file that a scaffold could write, and when it was last written. */
const snapshot = () =>
  ["protocol", "kernels", "engine", "models"]
    .flatMap((folder) => readdirSync(path.join(copy, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => `${file} ${statSync(file).mtimeMs}`)

describe("npm run new refuses, with a sentence and nothing written", () => {
  test.each([
    ["kernel", "LayerNorm", /lower-case words/],
    ["kernel", "../escape", /lower-case words/],
    ["kernel", "matmul", /There is a kernel matmul already, in kernels\/ops\/matmul/],
    ["kernel", "relu", /The name relu is taken: it stands in kernels\/registry\.ts/],
    ["kernel", "tensor", /The name tensor is taken/],
    ["kernel", "delete", /JavaScript keeps for itself/],
    ["method", "open", /use area\.verb/],
    ["method", "session.open", /There is a method session\.open already, in protocol\/methods\/session\.ts/],
    ["method", "benchmark.run", /already, in protocol\/methods\/status\.ts/],
    ["method", "fleet.join", /The name joinFleet is taken/],
    ["method", "shared.use", /name the area differently/],
    ["backend", "wasm", /engine\/backends\/wasm\.ts is there already/],
    ["backend", "native-vulkan", /add it to engine\/backends\/node\.ts/],
    ["model", "digits", /There is a model digits already/],
    ["colour", "red", /none of kernel, method, backend, model/],
    ["kernel", "", /npm run new -- KIND NAME/],
  ])("%s %s", (kind, name, sentence) => {
    const before = snapshot()
    const { status, stdout, stderr } = scaffold(kind, name)
    expect([status, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(sentence)
    expect(snapshot()).toEqual(before)
  })
})
