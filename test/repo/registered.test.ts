import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { browserBackends } from "../../engine/backends/index.ts"
import { browserBackendNames } from "../../engine/backends/names.ts"
import { nodeBackends } from "../../engine/backends/node.ts"
import * as kernels from "../../kernels/index.ts"
import type { MethodDefinition } from "../../protocol/index.ts"
import { methods } from "../../protocol/index.ts"
import { UNWRITTEN } from "../../scripts/new/scaffold.ts"
import { listSources, repoRoot } from "../../scripts/sources.ts"

const list = (pattern: string) =>
  globSync(pattern, { cwd: repoRoot })
    .map((file) => file.replaceAll("\\", "/"))
    .sort()
const load = (file: string): Promise<Record<string, unknown>> => import(path.join(repoRoot, file))
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

describe("kernels", () => {
  const isKernel = (value: unknown): value is kernels.AnyKernel =>
    isObject(value) && "algorithms" in value && "reference" in value
  const folders = list("kernels/ops/*").map((folder) => path.posix.basename(folder))

  test.each(folders)("every kernel in %s is registered and exported, with a reference and cases", async (folder) => {
    const declared = Object.values(await load(`kernels/ops/${folder}/${folder}.ts`)).filter(isKernel)
    expect(declared.length).toBeGreaterThan(0)
    for (const kernel of declared) {
      expect(kernels.kernelRegistry, kernel.name).toContain(kernel)
      expect(Object.values(kernels), kernel.name).toContain(kernel)
      expect(kernel.cases.length, kernel.name).toBeGreaterThan(0)
      expect(kernel.reference, kernel.name).toBeTypeOf("function")
    }
    for (const file of ["reference.ts", "cases.ts"]) expect(list(`kernels/ops/${folder}/${file}`), file).toHaveLength(1)
  })

  test("every registered kernel has a method of its own on Kernels", () => {
    const device = { limits: {}, features: new Set(), lost: new Promise(() => undefined) } as unknown as GPUDevice
    const names = kernels.kernelRegistry.map(({ name }) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()))
    expect(Object.keys(kernels.createKernels(device))).toEqual(expect.arrayContaining(names))
    expect(new Set(names).size).toBe(names.length)
  })
})

describe("methods", () => {
  const isMethod = (value: unknown): value is MethodDefinition =>
    isObject(value) && "grant" in value && "params" in value && "result" in value

  test.each(list("protocol/methods/*.ts").filter((file) => !file.endsWith("/index.ts")))(
    "every method declared in %s is registered",
    async (file) => {
      const declared = Object.values(await load(file)).filter(isMethod)
      for (const method of declared) expect(methods as readonly MethodDefinition[], method.name).toContain(method)
    },
  )

  test("names are area.verb, and no two methods share one", () => {
    const names = methods.map((method) => method.name)
    for (const name of names) expect(name).toMatch(/^[a-z]\w*\.[a-z]\w*$/)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe("backends", () => {
  const created = /^export (?:async )?function (create\w+)\([\s\S]*?\): Promise<Backend>/gm
  const registers = ["index.ts", "node.ts"].map((file) =>
    readFileSync(path.join(repoRoot, "engine/backends", file), "utf8"),
  )

  const makers = list("engine/backends/**/*.ts").flatMap((file) =>
    [...readFileSync(path.join(repoRoot, file), "utf8").matchAll(created)].map((match) => [match[1]!, file] as const),
  )

  test.each(makers)("%s in %s is registered, and imported only when it is created", (create, file) => {
    const lazily = `(await import("./${path.posix.relative("engine/backends", file)}")).${create}(`
    expect(registers.some((text) => text.includes(lazily))).toBe(true)
  })

  test("names are selectors, platforms are right, and no two backends share a name", () => {
    const names = [...browserBackends, ...nodeBackends].map((backend) => backend.name)
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]{0,31}$/)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(browserBackends.map((backend) => backend.platform))).toEqual(new Set(["browser"]))
    expect(new Set(nodeBackends.map((backend) => backend.platform))).toEqual(new Set(["node"]))
    expect(makers.length).toBeGreaterThan(browserBackends.length)
    expect(browserBackends.map((backend) => backend.name)).toEqual(browserBackendNames)
  })
})

test.each(list("models/*/"))(
  "%s has the script that makes it, the model, a README and a line in models/README.md",
  (folder) => {
    const name = path.posix.basename(folder)
    for (const file of ["README.md", "train.py", `${name}.onnx`])
      expect(list(`models/${name}/${file}`), file).toHaveLength(1)
    expect(readFileSync(path.join(repoRoot, "models/README.md"), "utf8")).toContain(`\`${name}/\``)
  },
)

test("nothing that npm run new left for a person to write is still unwritten", () => {
  const left = listSources([".ts", ".tsx", ".md", ".py", ".wgsl"]).filter((file) =>
    readFileSync(path.join(repoRoot, file), "utf8").includes(UNWRITTEN),
  )
  expect(left).toEqual([])
})
