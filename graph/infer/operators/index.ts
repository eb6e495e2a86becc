import { domainOf } from "../../validate/opsets.ts"
import type { OperatorDefinition } from "../operator.ts"
import { attentions } from "./attention.ts"
import { constants } from "./constant.ts"
import { control } from "./control.ts"
import { convolution } from "./convolution.ts"
import { elementwise } from "./elementwise.ts"
import { join } from "./join.ts"
import { layout } from "./layout.ts"
import { multiplication } from "./matmul.ts"
import { microsoft } from "./microsoft.ts"
import { normalization } from "./normalization.ts"
import { pooling } from "./pool.ts"
import { quantization } from "./quantization.ts"
import { recurrent } from "./recurrent.ts"
import { reductions } from "./reduce.ts"
import { select } from "./select.ts"
import { signals } from "./signal.ts"

const families = [
  attentions,
  constants,
  control,
  convolution,
  elementwise,
  join,
  layout,
  microsoft,
  multiplication,
  normalization,
  pooling,
  quantization,
  recurrent,
  reductions,
  select,
  signals,
]

const table = new Map<string, OperatorDefinition>()
for (const definition of families.flat()) {
  for (const name of [definition.names].flat()) table.set(`${domainOf(definition.domain ?? "")}:${name}`, definition)
}

export function findOperator(domain: string, name: string): OperatorDefinition | undefined {
  return table.get(`${domainOf(domain)}:${name}`)
}

/** Operators of ai.onnx that inference knows. */
export const knownOperators: readonly string[] = [...table.keys()]
  .filter((key) => key.startsWith(":"))
  .map((key) => key.slice(1))
  .sort()
