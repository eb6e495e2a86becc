import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { fail, type SessionInfo, type TensorInfo } from "../../../protocol/index.ts"
import type { Router } from "../../fleet/router.ts"
import { VERSION } from "../../version.ts"
import { callerOf, untilClosed } from "../route.ts"
import { toDatatype } from "./datatypes.ts"
import { invalid } from "./invalid.ts"
import { openApi } from "./openapi.ts"
import { HEADER_LENGTH, MAX_INFER_BYTES, readInfer } from "./request.ts"
import { MODEL_VERSION, writeInfer } from "./response.ts"

/** As over a WebSocket. */
const MAX_KEY = 128
/** A model's name stands for its bytes: there is one version of each. */
const modelPaths = ["/v2/models/:model", `/v2/models/:model/versions/${MODEL_VERSION}`]

interface ModelPath {
  Params: { model: string }
}

/** KServe's Open Inference Protocol v2 with the binary tensor extension. A model is named by an alias, or by its URL-encoded reference. */
export function kserve(app: FastifyInstance, router: Router): void {
  const tags = ["KServe v2"]

  app.get(
    "/v2/health/live",
    { schema: { tags, summary: "The bridge-server runs.", response: openApi.live } },
    async () => ({
      live: true,
    }),
  )
  app.get(
    "/v2/health/ready",
    { schema: { tags, summary: "A device is there.", response: openApi.ready } },
    async (_, reply) => {
      const ready = router.parts.fleet.hardware().devices.length > 0
      return reply.code(ready ? 200 : 503).send({ ready })
    },
  )
  app.get("/v2", { schema: { tags, summary: "What this server is.", response: openApi.server } }, async () => ({
    name: "ipfs-accelerate",
    version: VERSION,
    extensions: ["binary_tensor_data"],
  }))

  const params = openApi.model
  for (const path of modelPaths) {
    app.get<ModelPath>(
      path,
      { schema: { tags, summary: "A model's inputs and outputs.", params, response: openApi.metadata } },
      async (request, reply) => {
        const model = modelName(request)
        const info = await router.describe(callerOf(request), { model }, untilClosed(reply))
        return { name: model, versions: [MODEL_VERSION], platform: "onnx_onnxv1", ...signature(info) }
      },
    )
    app.get<ModelPath>(
      `${path}/ready`,
      { schema: { tags, summary: "A device is there that takes the model.", params, response: openApi.ready } },
      async (request, reply) => {
        const model = modelName(request)
        const ready = await router.isReady(callerOf(request), { model }, untilClosed(reply))
        return reply.code(ready ? 200 : 503).send({ name: model, ready })
      },
    )
  }

  // Bytes as they came, whatever the type says: with the binary extension the body is JSON at its beginning only.
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    for (const type of ["application/json", "application/octet-stream"])
      scope.addContentTypeParser(type, { parseAs: "buffer" }, (_, body, done) => done(null, body))
    // Triton's clients send no type with the binary extension. Its header is one that no form and no <img> can send.
    scope.addContentTypeParser("*", { parseAs: "buffer" }, ({ headers }, body, done) => {
      if (headers["content-type"] === undefined && headers[HEADER_LENGTH] !== undefined) return done(null, body)
      done(
        Object.assign(new Error("Send application/json, or application/octet-stream with tensors as bytes."), {
          statusCode: 415,
        }),
      )
    })
    const infer = (request: FastifyRequest<ModelPath>, reply: FastifyReply) => answer(router, request, reply)
    const schema = {
      tags,
      summary: "One inference.",
      description:
        "The device is chosen by measurements unless `parameters.device` or `parameters.agent` forces one. The header `Idempotency-Key` makes a repeated request the same job.",
      consumes: ["application/json", "application/octet-stream"],
      params,
      headers: openApi.inferHeaders,
      body: openApi.inferRequest,
      response: openApi.infer,
    }
    for (const path of modelPaths) scope.post<ModelPath>(`${path}/infer`, { schema, bodyLimit: MAX_INFER_BYTES }, infer)
  })
}

async function answer(router: Router, request: FastifyRequest<ModelPath>, reply: FastifyReply): Promise<FastifyReply> {
  const model = modelName(request)
  if (!Buffer.isBuffer(request.body)) throw fail("IPFA_INPUT_INVALID", { data: { path: "", expected: "a body" } })
  const headerLength = request.headers[HEADER_LENGTH]
  const call = readInfer(request.body, typeof headerLength === "string" ? headerLength : undefined)
  const key = request.headers["idempotency-key"]
  if (typeof key === "string" && key.length > MAX_KEY) throw invalid("Idempotency-Key", `at most ${MAX_KEY} characters`)
  const { result, info } = await router.infer(callerOf(request), {
    model,
    feeds: call.feeds,
    signal: untilClosed(reply),
    ...(call.device !== undefined && { device: call.device }),
    ...(call.agent !== undefined && { agent: call.agent }),
    ...(call.outputs && { outputs: call.outputs }),
    ...(call.priority !== undefined && { priority: call.priority }),
    ...(call.deadlineMs !== undefined && { deadlineMs: call.deadlineMs }),
    ...(typeof key === "string" && key !== "" && { key }),
  })
  const { body, headerLength: length } = writeInfer(
    model,
    call,
    result,
    info.outputs.map((o) => o.name),
  )
  if (length === undefined) return reply.type("application/json").send(body)
  return reply.header(HEADER_LENGTH, length).type("application/octet-stream").send(body)
}

function modelName({ params }: FastifyRequest<ModelPath>): string {
  return params.model
}

function signature({ inputs, outputs }: SessionInfo) {
  const describe = ({ name, dtype, shape }: TensorInfo) => ({
    name,
    datatype: toDatatype(dtype),
    // KServe has no names for dimensions.
    shape: shape.map((d) => (typeof d === "number" ? d : -1)),
  })
  return { inputs: inputs.map(describe), outputs: outputs.map(describe) }
}
