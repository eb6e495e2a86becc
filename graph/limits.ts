/** What a model may be at most. Each is checked before anything of that size is allocated. */
export interface ModelLimits {
  /** Bytes of the .onnx file itself; external data has its own sizes. */
  fileBytes: number
  /** Messages within messages. */
  messageDepth: number
  /** Graphs within graphs (bodies of If, Loop, Scan). */
  graphDepth: number
  /** Protobuf messages in all; each becomes an object. */
  messages: number
  /** Numbers stored one by one in repeated fields (float_data, ints, dims); raw_data does not count. */
  numbers: number
  /** Strings and byte strings in all. */
  strings: number
  /** UTF-8 bytes of one name. */
  nameBytes: number
  /** UTF-8 bytes of one doc string or metadata value. */
  textBytes: number
  /** Fields that the format, as we know it, does not have. */
  unknownFields: number
  /** Nodes in all graphs, and in all functions. */
  nodes: number
  /** Functions that the model defines. */
  functions: number
  /** Functions that call functions. */
  functionDepth: number
  /** Nodes after every function call is replaced by its body. */
  expandedNodes: number
  /** Their inputs, outputs and attributes, and those that each function's call has to be matched with. More than a file without functions can name. */
  expandedNames: number
  /** Domains of operators that a model imports, or one of its functions. */
  opsets: number
  /** Initializers in all graphs. */
  initializers: number
  /** Dimensions of a tensor. */
  rank: number
}

export const defaultLimits: Readonly<ModelLimits> = {
  fileBytes: 2 ** 31 - 1, // a protobuf message can't be larger
  messageDepth: 80,
  graphDepth: 16,
  messages: 1_000_000,
  numbers: 2 ** 24,
  strings: 2_000_000,
  nameBytes: 4096,
  textBytes: 2 ** 20,
  unknownFields: 10_000,
  nodes: 200_000,
  functions: 2_000,
  functionDepth: 32,
  expandedNodes: 500_000,
  expandedNames: 8_000_000,
  opsets: 64,
  initializers: 200_000,
  rank: 32,
}
