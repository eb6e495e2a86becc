/**
 * Writes docs/kernels.md from kernels/ and from what its tests found out. `node scripts/generate-kernels.ts [--check]`; with --check nothing is written and
 * a difference is an error.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import {
  type AnyKernel,
  bitWidths,
  type GroupFormat,
  ggufFormats,
  groupSizes,
  kernelRegistry,
  type Limits,
  layoutOf,
  makePlan,
  problemOf,
} from "../kernels/index.ts"
import { cases as wholeModels } from "../test/conformance/cases.ts"
import { mutantCounts } from "../test/kernels/mutants.ts"
import { survivors, thisAdapter } from "../test/kernels/survivors.ts"
import { repoRoot } from "./sources.ts"

const target = "docs/kernels.md"

/** WebGPU's defaults, which every adapter has, and SwiftShader's features: what Dawn's device in the tests has too. */
const limits: Limits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeWorkgroupsPerDimension: 2 ** 16 - 1,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  features: new Set(["packed_4x8_integer_dot_product", "subgroups"]),
  subgroupMaxSize: 4,
}

const read = (file: string) => readFileSync(path.join(repoRoot, file), "utf8")
const cell = (text: string | number) => String(text).replaceAll("|", "\\|")
const table = (head: string[], rows: (string | number)[][]) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

/** The comment at the head of a `.wgsl` file: what it computes. */
const headOf = (source: string) =>
  read(`kernels/${source}`)
    .split(/\r?\n(?!\/\/)/)[0]!
    .replaceAll(/\s*\/\/\s*/g, " ")
    .trim()

function inputsOf({ inputs }: AnyKernel): string {
  return inputs.map(({ name, dtypes, optional }) => `${name}${optional ? "?" : ""} ${dtypes.join("/")}`).join(", ")
}

function family(folder: string, kernels: readonly AnyKernel[]): string {
  const variants = new Map(kernels.flatMap(({ algorithms }) => Object.entries(algorithms)))
  const described = [...variants].map(
    ([name, { source }]) => `- _${name}_ (\`${source.path}\`): ${headOf(source.path)}`,
  )
  const rows = kernels.map((kernel) => {
    const { tried, survived } = mutantCounts(kernel, limits)
    const formulas = [...new Set(kernel.cases.map(({ tolerance }) => tolerance.formula))]
    return [kernel.name, inputsOf(kernel), formulas.join("; "), kernel.cases.length, `${tried - survived} of ${tried}`]
  })
  return `### ${folder}

${described.join("\n")}

${table(["kernel", "inputs", "tolerance", "cases", "mutants caught"], rows)}
`
}

function families(): [folder: string, kernels: AnyKernel[]][] {
  const found = new Map<string, AnyKernel[]>()
  for (const kernel of kernelRegistry as readonly AnyKernel[]) {
    const folder = Object.values(kernel.algorithms)[0]!.source.path.split("/")[1]!
    found.set(folder, [...(found.get(folder) ?? []), kernel])
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1))
}

type Outcomes = Record<string, Record<string, string>>

function nodeTests(): string {
  const operators = Object.entries(JSON.parse(read("test/conformance/wgsl-nodes.json")) as Outcomes)
  const all = operators.flatMap(([, cases]) => Object.values(cases))
  const count = (list: readonly string[], outcome: string) => list.filter((one) => one.startsWith(outcome)).length
  const rows = operators.map(([operator, cases]) => {
    const list = Object.values(cases)
    const reasons = [...new Set(list.flatMap((one) => (one.startsWith("UNSUPPORTED: ") ? [one.slice(13)] : [])))]
    const counts = ["PASS", "FAIL", "UNSUPPORTED"].map((outcome) => count(list, outcome) || "")
    return [operator, ...counts, reasons.map((reason) => `${reason.replace(/\.$/, "")}.`).join(" ")]
  })
  return `Of the ${all.length} cases for single operators that are tried, ${count(all, "PASS")} PASS, ${count(all, "FAIL")} FAIL and
${count(all, "UNSUPPORTED")} are UNSUPPORTED: refused when the model is opened, with the reason. None is computed elsewhere instead.
A model is refused with all its operators and nodes that can't run; what only its inputs' sizes or elements decide, where these are open, at the run.

${table(["operator", "PASS", "FAIL", "UNSUPPORTED", "why: our kernels can't, since …"], rows)}`
}

/** The models that are files, with what their numbers may be apart from onnxruntime-node's. */
function models(): string {
  const rows = wholeModels
    .filter(({ model }) => typeof model === "string")
    .map(({ name, lackedByWgsl, tolerance: { absolute, relative } }) => [
      name,
      lackedByWgsl
        ? `refused, since ${lackedByWgsl.source.replaceAll("\\", "")}`
        : `${absolute}${relative ? ` + ${relative}·|y|` : ""}`,
    ])
  return table(["model", "tolerance"], rows)
}

function survivorTable(): string {
  return table(
    ["kernel", "wrong variant that no case catches", "why"],
    Object.entries(survivors).flatMap(([kernel, list]) =>
      Object.entries(list).map(([name, reason]) => [kernel, `\`${name}\``, reason]),
    ),
  )
}

/** What a kernel may want of an adapter beyond WebGPU's core, and who has it. */
function features(): string {
  const adapters = JSON.parse(read("test/conformance/adapters.json")) as Record<string, string>
  const names = [...new Set(Object.values(adapters).flatMap((has) => has.split(" ")))].sort()
  const needed = (kernelRegistry as readonly AnyKernel[]).flatMap((kernel) =>
    kernel.cases.map((one) => {
      const problem = problemOf(kernel, one)
      return kernel.algorithms[makePlan(kernel, problem, limits, one).algorithm]!.needs?.(problem)
    }),
  )
  return table(
    ["adapter", ...names, "cases UNSUPPORTED"],
    Object.entries(adapters).map(([adapter, list]) => {
      const has = list.split(" ")
      const unsupported = needed.filter((feature) => feature && !has.includes(feature)).length
      return [
        adapter,
        ...names.map((name) => (has.includes(name) ? "yes" : "no")),
        `${unsupported} of ${needed.length}`,
      ]
    }),
  )
}

/** Each format of packed weights, what a weight takes in it, and how many cases of each kernel have it. */
function packedFormats(): string {
  const groups = ["", "f"].flatMap((header) =>
    bitWidths.flatMap((bits) => groupSizes.map((size) => `q${bits}g${size}${header}` as GroupFormat)),
  )
  const kernels = (kernelRegistry as readonly AnyKernel[]).filter(({ defaults }) => "format" in defaults)
  const rows = [...groups, ...ggufFormats].map((format) => {
    const { block, bytes } = layoutOf(format)
    const cases = kernels.map((kernel) => kernel.cases.filter((one) => one.attributes.format === format).length || "")
    return [format, block, bytes, (8 * bytes) / block, ...cases]
  })
  const names = kernels.map(({ name }) => `cases of ${name}`)
  return table(["format", "weights in a block", "bytes", "bits a weight", ...names], rows)
}

function document(): string {
  const counts = (kernelRegistry as readonly AnyKernel[]).map((kernel) => mutantCounts(kernel, limits))
  const tried = counts.reduce((sum, one) => sum + one.tried, 0)
  const survived = counts.reduce((sum, one) => sum + one.survived, 0)
  const reasons = Object.values(survivors).flatMap((list) => Object.values(list))
  const hidden = reasons.filter((reason) => reason.includes(thisAdapter)).length
  return `<!-- Generated by scripts/generate-kernels.ts from kernels/ and its tests. Edit those, then run it. -->

# Kernels

What our own kernels (\`ipfs-accelerate/kernels\`, and the backend \`wgsl\` made of them) compute, and what shows that they compute it right. How fast they are:
[benchmarks.md](benchmarks.md). How they are laid out: \`kernels/README.md\`.

## What there is

Every kernel has cases whose answers are compared, element by element, with a reference in float64. How far a result may be off follows from what WGSL promises of each
operation, for those very inputs, and no device widens it; 0 is bit for bit. ULP is 2⁻²³, TINY 2⁻¹²⁶, γ(n) = n·ULP / (1 − n·ULP). What lies behind a tensor's last element is filled with NaN where it is read and checked where it is written.
All cases run in Node, on Dawn; one for each variant of each kernel also in Chromium, on SwiftShader, and in Firefox, on lavapipe.

Wrong variants are made of every kernel's source, one change each (operators, bounds, barriers, conditions, constants), and its cases must catch them: of ${tried} they
catch ${tried - survived}. None catches [the other ${survived}](#wrong-variants-that-are-not-caught): ${survived - hidden} compute what the right one does, and ${hidden} may be wrong on another adapter,
where the tests' own hides it: data races that its order of invocations keeps from doing harm, and answers that it has where WGSL promises none.

${families()
  .map(([folder, kernels]) => family(folder, kernels))
  .join("\n")}
## Packed weights

\`packed-matmul\`, \`packed-conv2d\` and \`embedding\` unpack weights in registers. \`q<bits>g<group>\` are our own, of groups of 32, 64 or 128 with a scale and a zero point, float16 or, with \`f\` behind the
name, float32; ONNX Runtime's MatMulNBits and GatherBlockQuantized are brought into them, and what DequantizeLinear makes of stored numbers
of 8 or 4 bits, where a Conv, a Gather, or a MatMul or Gemm as its second factor takes it and float32 would take more. The others are GGUF's, their bytes as they are in the file: \`readGguf\` reads one, whatever somebody may have made of it, and gives its tensors without copying them. Activations are float32, or int8 where that is asked for (MatMulNBits
does with accuracy level 4) and WGSL has products of four bytes.

${packedFormats()}

All are unpacked by one code, \`wgsl/packed.wgsl\`, from what the table of formats says of them. Where no number is, that kernel has no case of its own for the format: \`f\` changes only how a group's two numbers are read,
and what multiplies is the same for each. Every width has cases of packed-matmul in groups of 32, 64 and 128, and every block format of GGUF has cases of all three.

\`quantize\` makes our own of float32 weights: rounded to the nearest, clipped where that makes the squared error less, or with activations of real data by GPTQ; of 2 bits also ternary, −1, 0 and 1 times a scale,
and of 1 bit binary, ± a scale, both with the scales of the least squared error; \`assignFormats\` shares
out a budget of bits among tensors by the losses that were measured. float16 that is not packed lies in memory as such, and every kernel that takes float32 reads it.

## ONNX's own node tests

${nodeTests()}

## Whole models

Real models on \`wgsl\`, in Node and in Chromium: each gives the answers that its source tells (classes, faces, things and where they are, words, sentences' neighbours, tokens), and
numbers that are within a tolerance of onnxruntime-node's, the reason beside it in \`test/conformance\`.

${models()}

## What adapters lack

A kernel that needs what an adapter has not is UNSUPPORTED there: counted as such, never as a PASS. These are the software adapters that the tests run on.
In Node every case is run, and has to be a PASS; in the browsers one for each variant is, and is a PASS or is refused for a feature that the adapter was found to lack: the counts are of all cases that need one.

${features()}

The pixels of a \`VideoFrame\`, read through an external texture, are NOT_RUN: these browsers import none where they draw without a GPU. Their test takes the frame's bytes or the refusal, \`IPFA_DEVICE_UNSUPPORTED\`.

## Wrong variants that are not caught

${survivorTable()}
`
}

/** The generated file's path, relative to the repository, and its content. */
export const generate = (): Record<string, string> => ({ [target]: document() })

if (import.meta.main)
  for (const [file, content] of Object.entries(generate())) {
    if (existsSync(path.join(repoRoot, file)) && read(file) === content) continue
    if (process.argv.includes("--check")) {
      console.error(`${file} is out of date: run node scripts/generate-kernels.ts`)
      process.exitCode = 1
    } else {
      writeFileSync(path.join(repoRoot, file), content)
      console.log(`wrote ${file}`)
    }
  }
