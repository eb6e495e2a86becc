import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type AnyKernel, KernelRuntime, kernelRegistry, makePlan, problemOf, runCase } from "../../kernels/index.ts"
import { preprocess } from "../../kernels/preprocess.ts"
import { type Mutant, mutantsOf, mutated } from "./mutants.ts"
import { softwareDevice } from "./software-gpu.ts"

const race = "a data race on lanes whose value is no longer used: this adapter's order of invocations hides it"
const last = "nothing writes scratch after the last reduction, and its loop ends with a barrier"
const lone = "each invocation has the result, and all store the same"
const unstored = "only fills what is never stored; WebGPU's bounds checks make the read harmless"
const timesZero = "the other factor's padding is 0"

/** Mutants that no case can catch, and why. Whoever is caught must not be listed, and the other way round. */
const survivors: Record<string, Record<string, string>> = {
  matmul: {
    "if (row < params.m && x < params.k) { → if (row <= params.m && x < params.k) {": unstored,
    "if (x < params.k && col < params.n) { → if (x < params.k && col <= params.n) {": unstored,
    "return 0.0; → return 0.5;": timesZero,
    "for (var k0 = 0u; k0 < params.k; k0 += TILE_K) { → for (var k0 = 0u; k0 <= params.k; k0 += TILE_K) {":
      "one more slab of zeros",
    "let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u)); → let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m + 1u));":
      unstored,
    "let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u)); → let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 0u));":
      unstored,
    "var right = batch * params.b_batch + min(cols, vec4<u32>(params.n - 1u)) * params.b_col; → var right = batch * params.b_batch + min(cols, vec4<u32>(params.n + 1u)) * params.b_col;":
      unstored,
    "var right = batch * params.b_batch + min(cols, vec4<u32>(params.n - 1u)) * params.b_col; → var right = batch * params.b_batch + min(cols, vec4<u32>(params.n - 0u)) * params.b_col;":
      unstored,
    "for (var j = 0u; j < 4u; j++) { → for (var j = 0u; j <= 4u; j++) {": "the fifth of four is the fourth, once more",
  },
  "leaky-relu": {
    "return select(params.alpha * v, v, v >= 0.0); → return select(params.alpha * v, v, v > 0.0);": "0 either way",
  },
  pow: Object.fromEntries(
    [
      "if (l == 0.0) { → if (false) {",
      "if (l == 0.0) { → if (l == 0.5) {",
      "let size = pow(abs(l), r); → let size = pow((l), r);",
    ]
      .map((name) => [name, "this adapter's pow has an answer where WGSL promises none"])
      .concat([
        [
          "return select(size, -size, l < 0.0 && abs(r) % 2.0 == 1.0); → return select(size, -size, l <= 0.0 && abs(r) % 2.0 == 1.0);",
          "a base of 0 has its answer already",
        ],
      ]),
  ),
  conv2d: {
    "for (var j = 0u; j < 4u; j++) { → for (var j = 0u; j <= 4u; j++) {": "the fifth of four is the fourth, once more",
    "let outs = min(vec4<u32>(out0) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outs - 1u)); → let outs = min(vec4<u32>(out0) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outs + 1u));":
      unstored,
    "let outs = min(vec4<u32>(out0) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outs - 1u)); → let outs = min(vec4<u32>(out0) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outs - 0u));":
      unstored,
  },
  ...Object.fromEntries(
    ["reduce-sum", "reduce-mean", "reduce-max", "reduce-min"].map((name) => [
      name,
      {
        "if (li < s) { → if (li <= s) {": race,
        "if (li < s) { → if (true) {": race,
        "if (li == 0u) { → if (true) {": lone,
        "return workgroupUniformLoad(&scratch[0]); → return scratch[0];": last,
      },
    ]),
  ),
  softmax: {
    "if (li < s) { → if (li <= s) {": race,
    "if (li < s) { → if (true) {": race,
    "return workgroupUniformLoad(&scratch[0]); → return scratch[0];": last,
  },
  "rms-norm": {
    "if (li < s) { → if (li <= s) {": race,
    "if (li < s) { → if (true) {": race,
    "return workgroupUniformLoad(&scratch[0]); → return scratch[0];": last,
  },
  transpose: Object.fromEntries(
    [
      "row0 + lid.y <= params.rows && col0 + lid.x < params.cols",
      "row0 + lid.y < params.rows && col0 + lid.x <= params.cols",
      "row0 + lid.y < params.rows || col0 + lid.x < params.cols",
      "true",
    ].map((guard) => [`if (row0 + lid.y < params.rows && col0 + lid.x < params.cols) { → if (${guard}) {`, unstored]),
  ),
}

let runtime: KernelRuntime
beforeAll(async () => {
  runtime = new KernelRuntime(await softwareDevice())
})
afterAll(() => runtime?.device.destroy())

/** The case that catches `mutant`, undefined where none does, null where no case compiles the line it changes. */
async function caughtBy(kernel: AnyKernel, mutant: Mutant): Promise<string | undefined | null> {
  const original = kernel.algorithms[mutant.algorithm]!
  const wrong = mutated(kernel, mutant)
  const listed = Object.hasOwn(survivors[kernel.name] ?? {}, mutant.name)
  let compiled = false
  // small tiles compile fastest, and the large cases are for what all others let pass
  const rank = (one: (typeof kernel.cases)[number]) => (one.large ? 2 : one.tuning ? 0 : 1)
  for (const one of kernel.cases.toSorted((a, b) => rank(a) - rank(b))) {
    if (one.large && listed) continue
    const problem = problemOf(kernel, one)
    if (makePlan(kernel, problem, runtime.limits, one).algorithm !== mutant.algorithm) continue
    const config = original.config?.(problem) ?? {}
    const code = [original.source.code, mutant.source.code].map((text) => preprocess("", text, config))
    if (code[0] === code[1]) continue
    compiled = true
    const { outcome } = await runCase(runtime, wrong, one)
    if (outcome === "FAIL") return one.name
  }
  return compiled ? undefined : null
}

describe("the cases catch every wrong variant of a kernel but the listed ones", () => {
  for (const kernel of kernelRegistry)
    test(kernel.name, { timeout: 300_000 }, async () => {
      const survived = new Set<string>()
      let tried = 0
      for (const mutant of mutantsOf(kernel)) {
        const caught = await caughtBy(kernel, mutant)
        if (caught !== null) tried++
        if (caught === undefined) survived.add(mutant.name)
      }
      expect(tried).toBeGreaterThanOrEqual(7)
      expect([...survived].sort()).toEqual(Object.keys(survivors[kernel.name] ?? {}).sort())
    })
})
