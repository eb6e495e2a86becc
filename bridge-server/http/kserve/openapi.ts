import { kserveErrors } from "../route.ts"
import { datatypes } from "./datatypes.ts"

/** KServe v2's shapes for /docs. What is checked is checked by request.ts. */

const shape = { type: "array", items: { type: "integer", minimum: -1 } } as const
const datatype = { type: "string", enum: datatypes } as const
const parameters = { type: "object", additionalProperties: true } as const
const signature = {
  type: "array",
  items: {
    type: "object",
    properties: { name: { type: "string" }, datatype, shape },
    required: ["name", "datatype", "shape"],
  },
} as const
const answer = (properties: Record<string, object>, required: readonly string[], description: string) => ({
  200: { description, type: "object", properties, required },
  ...kserveErrors,
})

const tensor = {
  type: "object",
  properties: {
    name: { type: "string" },
    shape,
    datatype,
    parameters: {
      ...parameters,
      description:
        "`binary_data_size`: the tensor is so many bytes after the JSON. `binary_data` (of an output asked for): send it so.",
    },
    data: {
      description: "The elements, flat or nested as the shape is; absent where they go as bytes.",
      type: "array",
      items: {},
    },
  },
  required: ["name", "shape", "datatype"],
} as const

const inferResponse = {
  type: "object",
  properties: {
    model_name: { type: "string" },
    model_version: { type: "string" },
    id: { type: "string" },
    parameters: {
      ...parameters,
      properties: {
        device: { type: "string" },
        agent: { type: "string" },
        fellBackFrom: { type: "string", description: "The device that would have served, had it been able to." },
        fellBackReason: { type: "string" },
        reruns: {
          type: "integer",
          description: "How often it was run again because a device was lost under it or far later than usual.",
        },
        queueMs: { type: "number" },
        runMs: { type: "number" },
      },
    },
    outputs: { type: "array", items: tensor },
  },
  required: ["model_name", "model_version", "outputs"],
} as const

export const openApi = {
  model: {
    type: "object",
    properties: { model: { type: "string", description: "An alias (`digits`), or a URL-encoded model reference." } },
    required: ["model"],
  },
  live: answer({ live: { type: "boolean" } }, ["live"], "It runs."),
  ready: {
    ...answer({ name: { type: "string" }, ready: { type: "boolean" } }, ["ready"], "Ready."),
    503: {
      description: "Not now.",
      type: "object",
      properties: { name: { type: "string" }, ready: { type: "boolean" } },
    },
  },
  server: answer(
    {
      name: { type: "string" },
      version: { type: "string" },
      extensions: { type: "array", items: { type: "string" } },
    },
    ["name", "version", "extensions"],
    "Name, version and extensions.",
  ),
  metadata: answer(
    {
      name: { type: "string" },
      versions: { type: "array", items: { type: "string" } },
      platform: { type: "string" },
      inputs: signature,
      outputs: signature,
    },
    ["name", "versions", "platform", "inputs", "outputs"],
    "Inputs and outputs; −1 is a dimension that is free.",
  ),
  inferHeaders: {
    type: "object",
    properties: {
      "inference-header-content-length": {
        type: "string",
        pattern: "^\\d+$",
        description: "Length of the JSON at the body's beginning, where tensors follow it as bytes.",
      },
      "idempotency-key": { type: "string", maxLength: 128 },
    },
  },
  inferRequest: {
    type: "object",
    properties: {
      id: { type: "string" },
      parameters: {
        ...parameters,
        properties: {
          device: { type: "string", description: "`backend[:type][#index]`: this device, or an error." },
          agent: { type: "string", description: "This agent, by id or browser." },
          deadline_ms: { type: "number" },
          priority: { type: "integer", minimum: 0, maximum: 9 },
          binary_data_output: { type: "boolean" },
        },
      },
      inputs: { type: "array", items: tensor, minItems: 1 },
      outputs: {
        type: "array",
        items: { type: "object", properties: { name: { type: "string" }, parameters }, required: ["name"] },
      },
    },
    required: ["inputs"],
  },
  infer: {
    200: {
      description: "The outputs, and what served them.",
      content: {
        "application/json": { schema: inferResponse },
        "application/octet-stream": {
          schema: {
            type: "string",
            format: "binary",
            description:
              "Where an output was asked for as bytes: the same JSON, as long as the header Inference-Header-Content-Length says, then the tensors in its order.",
          },
        },
      },
    },
    ...kserveErrors,
  },
} as const
