import type { Scaffold } from "./scaffold.ts"
import {
  addLine,
  addToBlock,
  capitalised,
  identifier,
  kebabName,
  Refusal,
  type Repository,
  required,
} from "./scaffold.ts"

const registered = ["kernels/registry.ts", "kernels/create-kernels.ts", "kernels/index.ts"] as const

/** An element-wise kernel, y = scale · x, that passes its cases: a working start for any other. */
export function newKernel(name: string, repository: Repository): Scaffold {
  kebabName("kernel", name)
  const id = identifier(name)
  const folder = `kernels/ops/${name}`
  if (repository.list(folder).length > 0) throw new Refusal(`There is a kernel ${name} already, in ${folder}.`)
  for (const path of registered)
    if (new RegExp(`\\b${id}\\b`).test(required(repository, path)))
      throw new Refusal(`The name ${id} is taken: it stands in ${path}.`)
  const type = capitalised(id)
  const [registry, create, index] = registered
  const from = `"./ops/${name}/${name}.ts"`
  return {
    files: {
      [`${folder}/${name}.wgsl`]: wgsl,
      [`${folder}/${name}.ts`]: host(name, id, type),
      [`${folder}/reference.ts`]: reference(name, type),
      [`${folder}/cases.ts`]: cases(name, type),
      [registry]: addToBlock(
        registry,
        addLine(required(repository, registry), `import { ${id} } from ${from}`),
        /kernelRegistry[^=]*= \[[^\]]*\]/,
        id,
      ),
      [create]: addToBlock(
        create,
        addToBlock(
          create,
          addLine(required(repository, create), `import { type ${type}Attributes, ${id} } from ${from}`),
          /export interface Kernels\b[\s\S]*?\n\}/,
          `  /** y = scale · x; \`scale\` is -1 unless given. */
  ${id}(x: Float32, attributes?: Partial<${type}Attributes>, options?: RunOptions<"flat">): Result\n`,
        ),
        /\n {2}return \{\n[\s\S]*?\n {2}\}/,
        `    ${id}: (x, attributes, options) => runtime.run(${id}, [x], attributes, options) as Result,\n`,
      ),
      [index]: addLine(required(repository, index), `export { ${id} } from ${from}`),
    },
    generators: ["generate-wgsl.ts"],
    next: [
      `It computes y = scale · x and passes. Write the maths in ${folder}/${name}.wgsl, its float64 twin and the error bounds in reference.ts, and cases at every boundary in cases.ts.`,
      "After each change of the .wgsl: node scripts/generate-wgsl.ts",
      `Then: npx vitest run test/kernels -t ${name} (the mutants test says what the cases don't catch yet)`,
      "Last a row in bench/kernels that names it in `measures`, or in bench/kernels/cases.ts the reason for having none: test/repo asks for one.",
    ],
  }
}

const wgsl = `// y[i] = scale · x[i]
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.elems) {
    return;
  }
  y[i] = params.scale * x[i];
}
`

const host = (name: string, id: string, type: string) => `import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface ${type}Attributes {
  /** What each element is multiplied by, a float32. */
  scale: number
}
export interface ${type}Problem {
  shape: Shape
  elems: number
  scale: number
}

const source = wgsl["ops/${name}/${name}.wgsl"]

/** y = scale · x, float32, of any shape */
export const ${id} = defineKernel<${type}Problem, ${type}Attributes, "flat">({
  name: "${name}",
  inputs: [float32("x")],
  defaults: { scale: -1 },
  algorithms: {
    flat: defineAlgorithm<${type}Problem, typeof source>(source, {
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch: ({ elems, scale }, { WG }) => ({ workgroups: Math.ceil(elems / WG!), params: { elems, scale } }),
    }),
  },
  problem([x], { scale }) {
    if (!Number.isFinite(Math.fround(scale)))
      throw fail("IPFA_INPUT_INVALID", {
        message: \`${name} takes a finite float32 scale, not \${scale}.\`,
        data: { path: "scale", expected: "a finite float32" },
      })
    const { shape } = x!
    return { shape, elems: elems(shape), scale: Math.fround(scale) }
  },
  output: ({ shape }) => ({ dtype: "float32", shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
`

const reference = (name: string, type: string) => `import type { ${type}Problem } from "./${name}.ts"

export function reference([x]: readonly (ArrayLike<number> | undefined)[], { scale }: ${type}Problem): Float64Array {
  return Float64Array.from(x!, (value) => scale * value)
}
`

const cases = (name: string, type: string) => `import type { KernelCase, Shape } from "../../define-kernel.ts"
import { oneRounding } from "../../tolerance.ts"
import type { ${type}Attributes, ${type}Problem } from "./${name}.ts"

type Case = KernelCase<${type}Problem, ${type}Attributes, "flat">

const of = (name: string, shape: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -4, high: 4 },
  tolerance: oneRounding,
  ...rest,
})

export const cases: Case[] = [
  of("one element", [1]),
  of("a scalar", []),
  of("nothing", [2, 0]),
  of("one workgroup", [64]),
  of("one workgroup less one", [63]),
  of("one workgroup and one", [65]),
  of("three axes", [3, 5, 7]),
  of("a third of it", [100], { attributes: { scale: 1 / 3 } }),
  of("over 65,535 workgroups", [65_537 * 16 + 1], { tuning: { WG: 16 }, large: true }),
]
`
