import {
  type GraphProto,
  inferShapes,
  inspectModel,
  type ModelInfo,
  type ModelProto,
  type NodeProto,
  readModel,
  type TensorProto,
} from "../../../graph/index.ts"
import { Constant } from "./constant.ts"
import { deduplicate } from "./deduplicate.ts"
import { fuse } from "./fuse.ts"
import type { PackedGroups } from "./quantized.ts"
import { storedHalves, storedType, storedWords } from "./tensors.ts"

/** A model that is lowered, again and again for other shapes of its inputs: what those don't decide is made once. */
export class Lowerable {
  readonly proto: ModelProto
  readonly info: ModelInfo
  readonly opset: number
  readonly stored: ReadonlyMap<string, TensorProto>
  readonly outputs: ReadonlySet<string>
  readonly #words = new Map<TensorProto, Constant>()
  readonly #halves = new Map<TensorProto, Constant>()
  readonly #packed = new Map<string, PackedGroups | undefined>()
  #fused: Fused | undefined

  /** Throws IPFA_MODEL_INVALID. */
  constructor(bytes: Uint8Array) {
    this.proto = readModel(bytes)
    this.info = inspectModel(this.proto)
    this.opset = this.info.opsets["ai.onnx"] ?? this.info.opsets[""] ?? 0
    const { initializer, output } = this.#graph
    this.stored = new Map(initializer.map((tensor) => [tensor.name, tensor]))
    this.outputs = new Set(output.map(({ name }) => name))
  }

  get #graph(): GraphProto {
    return this.proto.graph!
  }

  /** The graph's nodes, where some are fused and none computes what another does, and who makes and who uses a tensor. */
  get fused(): Fused {
    this.#fused ??= this.#fuse()
    return this.#fused
  }

  #fuse(): Fused {
    // With no shapes fed: a dimension that is open is no other's equal, so what is fused is fused whatever it will be.
    const { tensors } = inferShapes(this.proto)
    const fused = fuse(this.#graph, {
      elements: (name) => {
        const tensor = this.stored.get(name)
        const known = tensors.get(name)?.elements
        if (known?.every((element) => element !== null)) return known as number[]
        return tensor && storedWords(tensor)
      },
      shape: (name) => tensors.get(name)?.shape ?? [],
    })
    const nodes = deduplicate(fused, this.outputs, tensors)
    const users = new Map<string, NodeProto[]>()
    for (const node of nodes) for (const name of node.input) users.set(name, [...(users.get(name) ?? []), node])
    const makers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)))
    return { nodes, makers, users }
  }

  /** Throws IPFA_DEVICE_UNSUPPORTED for what `storedWords` would: of numbers that may not fit 32 bits there are few. */
  words(tensor: TensorProto): Constant {
    return made(this.#words, tensor, () => {
      if (storedType(tensor) !== "int64") return new Constant(() => storedWords(tensor))
      const words = storedWords(tensor)
      return new Constant(() => words)
    })
  }

  /** Of a float16 tensor. */
  halves(tensor: TensorProto): Constant {
    return made(this.#halves, tensor, () => new Constant(() => storedHalves(tensor)))
  }

  /** What `make` gives first under this key. */
  packed(key: string, make: () => PackedGroups | undefined): PackedGroups | undefined {
    if (!this.#packed.has(key)) this.#packed.set(key, make())
    return this.#packed.get(key)
  }
}

interface Fused {
  readonly nodes: readonly NodeProto[]
  /** By what they make. */
  readonly makers: ReadonlyMap<string, NodeProto>
  readonly users: ReadonlyMap<string, readonly NodeProto[]>
}

function made<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}
