import { describe, expect, test } from "vitest"
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation,
} from "../../graph/generated/onnx_pb.js"
import { readModel, validateModel } from "../../graph/index.ts"
import {
  field,
  functionChain,
  functionOf,
  refusal,
  tensorType,
  tinyBytes,
  varint,
  widelyCalled,
  withFunctions,
} from "./onnx-build.ts"

const INVALID = "IPFA_MODEL_INVALID"
const TOO_LARGE = "IPFA_MODEL_TOO_LARGE"
/** Of the processor, so that it is none of what others do meanwhile: a refusal never needs more than a look at the bytes. */
const SOON_MS = 250

const refused = (bytes: Uint8Array, code: string, path: RegExp, options = {}) => {
  const r = refusal(() => validateModel(bytes, options))
  expect(r.code).toBe(code)
  expect(r.path).toMatch(path)
  expect(r.expected).toEqual(expect.any(String))
  expect(r.ms).toBeLessThan(SOON_MS)
}

const weight = (over: object) => tinyBytes({ initializer: [{ name: "w", dims: [3n], dataType: 1, ...over }] })

test("the model the attacks are made from is accepted", () => {
  expect(validateModel(tinyBytes())).toMatchObject({ parameters: 3, weightBytes: 12, operators: { Add: 1 } })
})

describe("S11: data outside the model's file", () => {
  const external = (location: string, over: Record<string, string> = {}) =>
    weight({
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries({ location, ...over }).map(([key, value]) => ({ key, value })),
    })
  const given = (name: string, bytes = 100) => ({ externalData: new Map([[name, bytes]]) })

  test("a file that was given is accepted and named", () => {
    expect(validateModel(external("w.bin", { offset: "88", length: "12" }), given("w.bin")).externalFiles).toEqual([
      "w.bin",
    ])
    expect(validateModel(external("data/w.bin"), given("data/w.bin")).weightBytes).toBe(12)
  })

  test.each([
    "../secret",
    "a/../../secret",
    "a/..",
    "./w.bin",
    "/etc/passwd",
    "//host/share",
    "~/.ssh/id_ed25519",
    "a//b",
    "..\\secret",
    "\\\\host\\share",
    "C:\\secret",
    "C:secret",
    "file:///etc/passwd",
    "w.bin::$DATA",
    "w.bin\u0000.txt",
    "w.bin\n",
    "*/_ORT_MEM_ADDR_/*",
    "_ORT_MEM_ADDR_",
    "",
  ])("the name %j is refused even when it is in the map", (name) => {
    refused(external(name), INVALID, /initializer\[0\]\.external_data/, given(name))
  })

  test("a location on a tensor that does not lie elsewhere is refused", () => {
    const externalData = [{ key: "location", value: "w.bin" }]
    refused(weight({ rawData: new Uint8Array(12), externalData }), INVALID, /external_data/, given("w.bin"))
  })

  test("a plain name that was not given is refused", () => {
    refused(external("w.bin"), INVALID, /location$/)
    refused(external("W.BIN"), INVALID, /location$/, given("w.bin"))
  })

  test.each([
    ["offset past the end", { offset: "89" }],
    ["offset far past the end", { offset: "9007199254740991" }],
    ["negative offset", { offset: "-1" }],
    ["offset beyond 2^53", { offset: "18446744073709551616" }],
    ["offset that is no number", { offset: "0x10" }],
    ["negative length", { length: "-12" }],
    ["length that is not the tensor's", { length: "16" }],
    ["a key that means something else elsewhere", { basepath: "/" }],
  ])("%s is refused", (_, over) => {
    refused(external("w.bin", over as unknown as Record<string, string>), INVALID, /external_data/, given("w.bin"))
  })

  test("a key given twice is refused", () => {
    const entry = { key: "location", value: "w.bin" }
    const bytes = weight({ dataLocation: TensorProto_DataLocation.EXTERNAL, externalData: [entry, entry] })
    refused(bytes, INVALID, /external_data\[1\]/, given("w.bin"))
  })

  test("external data in a subgraph, a node's attribute and a function is found", () => {
    const t = {
      name: "t",
      dims: [3n],
      dataType: 1,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [{ key: "location", value: "../x" }],
    }
    const constant = {
      opType: "Constant",
      output: ["c"],
      attribute: [{ name: "value", type: AttributeType.TENSOR, t }],
    }
    refused(tinyBytes({ node: [constant] }), INVALID, /node\[0\]\.attribute\[0\]\.t\.external_data/)
    const body = { node: [constant], output: [{ name: "c" }] }
    const branch = {
      opType: "If",
      input: ["x"],
      attribute: [{ name: "then_branch", type: AttributeType.GRAPH, g: body }],
    }
    refused(tinyBytes({ node: [branch] }), INVALID, /attribute\[0\]\.g\.node\[0\]/)
    const functions = [{ name: "f", domain: "own", node: [constant], opsetImport: [{ domain: "", version: 17n }] }]
    refused(tinyBytes({}, { functions }), INVALID, /functions\[0\]\.node\[0\]/)
  })
})

describe("S11: functions", () => {
  test("a few functions are accepted", () => {
    expect(validateModel(withFunctions(functionChain(5))).operators).toMatchObject({ "own:f0": 1, Relu: 1 })
  })
  test("3,000 nested functions are refused", () =>
    refused(withFunctions(functionChain(3000)), TOO_LARGE, /^functions$/))
  test("100 nested functions are refused", () => refused(withFunctions(functionChain(100)), TOO_LARGE, /^functions\[/))
  test("100 nested functions are refused in whichever order they come", () =>
    refused(withFunctions(functionChain(100).reverse()), TOO_LARGE, /^functions\[/))
  test("30 functions that each call the next twice are refused, unexpanded", () =>
    refused(withFunctions(functionChain(30, 2)), TOO_LARGE, /^functions\[/))
  test("a function that calls itself, and two that call each other, are refused", () => {
    refused(withFunctions([functionOf("f0", "f0")]), INVALID, /^functions\[0\]/)
    refused(withFunctions([functionOf("f0", "f1"), functionOf("f1", "f0")]), INVALID, /^functions\[0\]/)
  })
  test("a function of many inputs is called so often, and no more: each call is matched with all of them", () => {
    // A call counts its own input and output, Relu's two, and the function's output beside its inputs.
    expect(validateModel(widelyCalled(1600, 4995)).operators).toEqual({ "own:f0": 1600, Relu: 1 })
    refused(widelyCalled(1600, 4996), TOO_LARGE, /^graph$/)
  })
  test("more domains than 64 are refused, of the model and of a function: each function's are put over the model's", () => {
    const opsetImport = [{ version: 17n }, ...Array.from({ length: 63 }, (_, i) => ({ domain: `d${i}`, version: 1n }))]
    const more = [...opsetImport, { domain: "d63", version: 1n }]
    const functions = [{ name: "f", domain: "own", opsetImport }]
    expect(validateModel(tinyBytes({}, { opsetImport, functions })).opsets).toMatchObject({ d62: 1 })
    refused(tinyBytes({}, { opsetImport: more }), TOO_LARGE, /opset_import$/)
    const wide = [{ ...functions[0]!, opsetImport: more }]
    refused(tinyBytes({}, { opsetImport, functions: wide }), TOO_LARGE, /^functions\[0\]\.opset_import$/)
  })
  test("the same function twice is refused", () =>
    refused(withFunctions([functionOf("f0"), functionOf("f0")]), INVALID, /^functions\[1\]/))
})

describe("S11: sizes that lie", () => {
  test.each([
    ["a negative dimension", [-1n]],
    ["a negative dimension hidden by another", [-3n, -1n]],
    ["dimensions whose product overflows 64 bits", [2n ** 32n, 2n ** 32n]],
    ["dimensions whose product wraps to the right size", [2n ** 62n, 4n, 3n]],
    ["the smallest integer", [-(2n ** 63n)]],
    ["an overflow that a zero hides", [0n, 2n ** 62n, 2n ** 62n]],
  ])("%s is refused for what it is", (_, dims) => {
    refused(weight({ dims, rawData: new Uint8Array(12) }), INVALID, /initializer\[0\]\.dims/)
  })

  test.each([
    ["one more element than there are bytes for", [4n]],
    ["one element fewer", [2n]],
    ["no dimensions", []],
  ])("%s is refused", (_, dims) => {
    refused(weight({ dims, rawData: new Uint8Array(12) }), INVALID, /initializer\[0\]\.raw_data/)
  })

  test("33 dimensions are refused", () =>
    refused(weight({ dims: Array(33).fill(1n), rawData: new Uint8Array(4) }), TOO_LARGE, /dims/))
  test("typed data of the wrong length, in the wrong field or in two places is refused", () => {
    refused(weight({ floatData: [1, 2] }), INVALID, /initializer\[0\]/)
    refused(weight({ int32Data: [1, 2, 3] }), INVALID, /initializer\[0\]/)
    refused(weight({ floatData: [1, 2, 3], rawData: new Uint8Array(12) }), INVALID, /initializer\[0\]/)
  })
  test("an element type that isn't one is refused", () => {
    refused(weight({ dataType: 0 }), INVALID, /data_type/)
    refused(weight({ dataType: 99 }), INVALID, /data_type/)
    refused(tinyBytes({ input: [{ name: "x", type: tensorType([2, 3], 77) }] }), INVALID, /elem_type/)
  })
  test("declared shapes with impossible dimensions are refused", () => {
    refused(tinyBytes({ input: [{ name: "x", type: tensorType([-2, 3]) }] }), INVALID, /input\[0\]/)
    refused(tinyBytes({ input: [{ name: "x", type: tensorType([2n ** 60n]) }] }), INVALID, /input\[0\]/)
  })
  test("sparse tensors are refused: a few bytes can stand for any size", () => {
    const sparseInitializer = [{ dims: [2n ** 40n], values: { name: "s", dataType: 1 } }]
    refused(tinyBytes({ sparseInitializer }), INVALID, /sparse_initializer/)
  })
  test("limits that the caller lowers hold", () => {
    refused(tinyBytes(), TOO_LARGE, /^$/, { limits: { fileBytes: 10 } })
    refused(tinyBytes(), TOO_LARGE, /node/, { limits: { nodes: 0 } })
    refused(tinyBytes(), TOO_LARGE, /initializer/, { limits: { initializers: 0 } })
  })
})

describe("S11: broken and hostile encodings", () => {
  const bytes = tinyBytes()

  test("every truncation is refused, or is a whole model by itself", () => {
    for (let n = 0; n < bytes.length; n++) {
      const r = refusal(() => validateModel(bytes.subarray(0, n)))
      expect([INVALID, TOO_LARGE]).toContain(r.code)
    }
  })

  test("a length prefix of 2 GiB, 4 GiB and 2^63 is refused unread", () => {
    for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40]) {
      refused(Uint8Array.from([0x3a, ...varint(length), 1, 2, 3]), INVALID, /^$/)
    }
    refused(Uint8Array.from([0x3a, ...Array(9).fill(0xff), 0x7f]), INVALID, /^$/)
  })

  test("a length that reaches past its own message into the next is refused", () => {
    const graph = Uint8Array.from([0x12, 10, 65]) // name of 10 bytes, of which 1 is within the graph
    const whole = Uint8Array.from([...field(7, graph), ...field(6, Array(20).fill(66))])
    refused(whole, INVALID, /^graph$/)
  })

  test("graphs nested 17 and 100,000 deep are refused", () => {
    const nest = (depth: number) => {
      // graph { node { attribute { g … } } }, built from the inside with lengths known in advance
      const chunks: number[][] = []
      let size = 0
      for (let i = 0; i < depth; i++) {
        for (const number of [6, 5, 1]) {
          const head = [...varint(number * 8 + 2), ...varint(size)]
          chunks.push(head)
          size += head.length
        }
      }
      return field(7, chunks.reverse().flat())
    }
    refused(nest(17), TOO_LARGE, /^graph\.node\[0\]\.attribute\[0\]\.g/)
    refused(nest(100_000), TOO_LARGE, /^graph\.node\[0\]/)
  })

  test("types nested 100,000 deep are refused", () => {
    const heads: number[][] = []
    let size = 0
    for (let i = 0; i < 100_000; i++) {
      for (const number of [1, 4]) {
        const head = [...varint(number * 8 + 2), ...varint(size)]
        heads.push(head)
        size += head.length
      }
    }
    refused(field(7, field(11, field(2, heads.reverse().flat()))), TOO_LARGE, /^graph\.input\[0\]\.type/)
  })

  test("a million empty messages, and numbers that fill a file, are refused before they are built", () => {
    const nodes = new Uint8Array(2_200_000)
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a
    refused(field(7, nodes), TOO_LARGE, /^graph\.node\[9/)
    const r = refusal(() => readModel(field(7, field(5, field(7, new Uint8Array(2 ** 24 + 1))))))
    expect(r).toMatchObject({ code: TOO_LARGE, path: "graph.initializer[0]" })
  })

  test("groups, field number 0, wrong wire types, endless varints are refused", () => {
    for (const b of [
      [0x0b, 0x0c],
      [0x3b, 0x3c],
      [0x00, 0x01],
      [0x0a, 0x00],
      [0x38, 0x01],
      [0x07],
      [0x3e],
      [0x08, ...Array(11).fill(0x80)],
    ])
      refused(Uint8Array.from(b), INVALID, /^$/)
  })

  test("packed numbers that end within one are refused", () => {
    const packed = (number: number, ...payload: number[]) => field(7, field(5, field(number, payload)))
    refused(packed(4, 1, 2, 3, 4, 5), INVALID, /^graph\.initializer\[0\]/) // float_data
    refused(packed(10, ...Array(12).fill(0)), INVALID, /^graph\.initializer\[0\]/) // double_data
    refused(packed(7, 1, 0x80), INVALID, /^graph\.initializer\[0\]/) // int64_data
    refused(packed(7, ...Array(11).fill(0x80), 1), INVALID, /^graph\.initializer\[0\]/)
  })

  test("a field given twice is refused: decoders differ on which one counts", () => {
    refused(Uint8Array.from([...bytes, ...field(7, [])]), INVALID, /^$/)
    refused(Uint8Array.from([...bytes, 0x08, 0x09]), INVALID, /^$/)
  })

  test("names that are not UTF-8, or of 5,000 characters, are refused", () => {
    refused(field(7, field(2, [0xc3, 0x28])), INVALID, /^graph$/)
    refused(tinyBytes({ name: "n".repeat(5000) }), TOO_LARGE, /^graph$/)
  })
})

describe("graphs that don't add up", () => {
  const node = (over: object) => tinyBytes({ node: [{ opType: "Add", input: ["x", "w"], output: ["y"], ...over }] })

  test.each([
    ["an unknown domain", node({ domain: "evil.custom" }), /node\[0\]\.domain/],
    ["a known domain that was not imported", node({ domain: "com.microsoft" }), /node\[0\]\.domain/],
    ["a node without operator", node({ opType: "" }), /op_type/],
    ["an input that nothing defines", node({ input: ["x", "nothing"] }), /node\[0\]\.input\[1\]/],
    ["an output that nothing defines", tinyBytes({ output: [{ name: "z", type: tensorType([1]) }] }), /output\[0\]/],
    ["a value defined twice", node({ output: ["y", "y"] }), /node\[0\]/],
    ["an output that overwrites a weight", node({ output: ["w"] }), /node\[0\]/],
    ["a cycle", node({ input: ["y", "w"] }), /node\[0\]\.input\[0\]/],
    ["an attribute without type", node({ attribute: [{ name: "a" }] }), /attribute\[0\]/],
    ["a graph in an attribute of another type", node({ attribute: [{ name: "a", type: 2, g: {} }] }), /attribute\[0\]/],
    [
      "a reference to a function's attribute outside one",
      node({ attribute: [{ name: "a", type: 2, refAttrName: "b" }] }),
      /ref_attr_name/,
    ],
    [
      "a type in an attribute that is none",
      node({ attribute: [{ name: "a", type: 13, tp: tensorType([1], 77) }] }),
      /attribute\[0\]\.tp/,
    ],
    [
      "the same attribute twice",
      node({
        attribute: [
          { name: "a", type: 2 },
          { name: "a", type: 2 },
        ],
      }),
      /attribute\[1\]/,
    ],
    ["no opset", tinyBytes({}, { opsetImport: [] }), /domain/],
    [
      "an opset twice",
      tinyBytes({}, { opsetImport: [{ version: 17n }, { domain: "ai.onnx", version: 9n }] }),
      /opset_import\[1\]/,
    ],
    ["an opset of −1", tinyBytes({}, { opsetImport: [{ version: -1n }] }), /opset_import\[0\]/],
    ["IR version 0", tinyBytes({}, { irVersion: 0n }), /ir_version/],
    ["IR version 2^62", tinyBytes({}, { irVersion: 2n ** 62n }), /ir_version/],
    ["no graph", tinyBytes({}, { graph: undefined }), /^graph$/],
    ["training", tinyBytes({}, { trainingInfo: [{}] }), /training_info/],
    [
      "an input of a type that can't be passed",
      tinyBytes({ input: [{ name: "x", type: tensorType([2], 14) }] }),
      /input\[0\]/,
    ],
  ])("%s is refused", (_, bytes, path) => refused(bytes, INVALID, path))

  test("an operator of com.microsoft that loads other files is refused", () => {
    const opsetImport = [{ version: 17n }, { domain: "com.microsoft", version: 1n }]
    const node = [{ opType: "EPContext", domain: "com.microsoft", input: ["x"], output: ["y"] }]
    refused(tinyBytes({ node }, { opsetImport }), INVALID, /op_type/)
  })
})
