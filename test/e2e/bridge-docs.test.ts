import { pathToFileURL } from "node:url"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020 } from "ajv/dist/2020.js"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Evidence } from "../../bridge-server/storage/index.ts"
import {
  dial,
  digitImage,
  digits,
  digitsFile,
  type HttpAnswer,
  nativeIsThere,
  raw,
  type TestBridge,
  testBridge,
} from "../support/bridge.ts"

let t: TestBridge

beforeAll(async () => {
  t = await testBridge({ evidence: (file) => Evidence.open(file, { software: "test" }) })
  await nativeIsThere(t.bridge)
})
afterAll(() => t.close())

test("the OpenAPI document is valid, and names every route", async () => {
  const { status, json } = await raw(t.bridge.http, "GET", "/docs/json")
  expect(status).toBe(200)
  const result = await new Validator().validate(structuredClone(json))
  expect(result).toEqual({ valid: true })
  expect(Object.keys(json.paths).sort()).toEqual([
    "/healthz",
    "/metrics",
    "/v1/agents",
    "/v1/agents/{agent}",
    "/v1/benchmarks",
    "/v1/devices",
    "/v1/models",
    "/v1/models/{model}",
    "/v1/pairing",
    "/v1/proof",
    "/v1/status",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{model}",
    "/v2/models/{model}/infer",
    "/v2/models/{model}/ready",
    "/v2/models/{model}/versions/1",
    "/v2/models/{model}/versions/1/infer",
    "/v2/models/{model}/versions/1/ready",
  ])
})

test("the page at /docs is a shell that needs no token and holds no data", async () => {
  const page = await raw(t.bridge.http, "GET", "/docs")
  expect(page.status).toBe(200)
  expect(page.bytes.toString()).toContain("swagger-ui")
  expect(page.headers["content-security-policy"]).toContain("default-src 'self'")
  expect((await raw(t.bridge.http, "GET", "/docs/static/swagger-ui-bundle.js")).status).toBe(200)
  const { bytes } = await raw(t.bridge.http, "GET", "/docs/json")
  for (const word of [t.bridge.token, "native-cpu", t.dir]) expect(bytes.toString()).not.toContain(word)
})

test("the metrics are Prometheus' and count jobs by device and outcome", async () => {
  const peer = await t.client()
  const { sessionId } = await peer.call("session.open", { model: "digits" })
  for (let i = 0; i < 3; i++) await peer.call("session.run", { sessionId, feeds: { image: digitImage(i) } })
  await peer.call("session.run", { sessionId, feeds: {} }).catch(() => {})
  const { status, headers, bytes } = await t.http("GET", "/metrics")
  expect([status, headers["content-type"]]).toEqual([200, expect.stringContaining("text/plain")])
  const text = bytes.toString()
  expect(text).toContain('ipfa_jobs_total{device="native/native-cpu",outcome="done"} 3')
  expect(text).toMatch(/ipfa_jobs_total\{device="native\/native-cpu",outcome="IPFA_INPUT_\w+"\} 1/)
  expect(text).toContain("ipfa_agents 1")
  expect(text).toContain("ipfa_jobs_waiting 0")
})

test("devices and status say what there is, and why other things are not", async () => {
  const { json: devices } = await t.http("GET", "/v1/devices")
  expect(devices.devices).toMatchObject([{ id: "native-cpu", agent: "native", browser: "native", probe: { ok: true } }])
  await expect.poll(async () => (await t.http("GET", "/v1/devices")).json.absent.length).toBeGreaterThan(3)
  const { json: status } = await t.http("GET", "/v1/status")
  expect(status).toMatchObject({ agent: "bridge", agents: [{ agent: "native", devices: ["native-cpu"] }] })
})

test("a path that is not there is a JSON error too", async () => {
  const { status, json } = await t.http("GET", "/v3/everything")
  expect([status, json.error.code]).toEqual([404, "IPFA_INPUT_INVALID"])
})

describe("what a route answers is what the OpenAPI document says", () => {
  interface Answer {
    content?: Record<string, { schema?: object }>
  }
  interface Operation {
    responses: Record<string, Answer>
    parameters?: { name: string; in: string }[]
  }
  let operations: Map<string, Operation>
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })

  beforeAll(async () => {
    const { json } = await raw(t.bridge.http, "GET", "/docs/json")
    operations = new Map(
      Object.entries<Record<string, Operation>>(json.paths).flatMap(([path, item]) =>
        Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]),
      ),
    )
  })

  test("every route says what it answers, and what its failures look like", () => {
    const faults = [...operations].filter(([name, { responses }]) => {
      const answered = (status: string) => Object.values(responses[status]?.content ?? {})
      const isSaid = (status: string) => answered(status).length > 0 && answered(status).every(({ schema }) => schema)
      return !isSaid("200") || (name !== "GET /healthz" && !(isSaid("4XX") && isSaid("5XX")))
    })
    expect(faults.map(([name]) => name)).toEqual([])
    const asked = (name: string) => operations.get(name)?.parameters?.flatMap((p) => (p.in === "query" ? [p.name] : []))
    expect(asked("GET /v1/benchmarks")).toEqual(["agent", "device", "model", "limit"])
    expect(asked("GET /v1/proof")).toEqual(["nonce", "agent"])
    const infer = operations.get("POST /v2/models/{model}/infer")
    expect(Object.keys(infer?.responses["200"]?.content ?? {})).toEqual([
      "application/json",
      "application/octet-stream",
    ])
  })

  /** What an answer has that its schema does not know of, or the other way round; fields beyond it are faults too. */
  function faultsOf(name: string, { status, headers, json }: HttpAnswer): unknown {
    const { responses } = operations.get(name)!
    const type = (headers["content-type"] ?? "").split(";")[0]!
    const { schema } = (responses[status] ?? responses[`${Math.floor(status / 100)}XX`])?.content?.[type] ?? {}
    if (!schema) return `${name} says nothing of ${status} ${type}`
    const fits = ajv.compile(closed(schema))
    return fits(json)
      ? undefined
      : fits.errors?.map(({ instancePath, message, params }) => [instancePath, message, params])
  }

  const infer = { inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: digits.samples[0]!.image }] }

  test("its answers fit their schemas, field by field", async () => {
    const peer = await t.client()
    await peer.call("benchmark.run", { model: "digits", feeds: { image: digitImage(0) }, samples: 3, warmup: 0 })
    const { code } = (await t.http("POST", "/v1/pairing", {})).json
    const pairing = await dial(`${t.bridge.ws}/agent`, {
      origin: "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    })
    await pairing.call("agent.pair", { code, agent: "laptop", label: "a laptop" })
    pairing.close()
    const added = { reference: pathToFileURL(digitsFile).href, name: "mine" }
    const asked: [name: string, path: string, body?: object][] = [
      ["GET /healthz", "/healthz"],
      ["GET /v1/status", "/v1/status"],
      ["GET /v1/devices", "/v1/devices"],
      ["GET /v1/benchmarks", "/v1/benchmarks?limit=1"],
      ["GET /v1/benchmarks", "/v1/benchmarks?limit=all"],
      ["POST /v1/models", "/v1/models", added],
      ["GET /v1/models", "/v1/models"],
      ["DELETE /v1/models/{model}", "/v1/models/mine"],
      ["DELETE /v1/models/{model}", "/v1/models/mine"],
      ["POST /v1/pairing", "/v1/pairing", { for: "dashboard" }],
      ["GET /v1/agents", "/v1/agents"],
      ["DELETE /v1/agents/{agent}", "/v1/agents/laptop"],
      ["GET /v1/proof", `/v1/proof?nonce=${"n".repeat(16)}`],
      ["GET /v2", "/v2"],
      ["GET /v2/health/live", "/v2/health/live"],
      ["GET /v2/health/ready", "/v2/health/ready"],
      ...["", "/versions/1"].flatMap((version): typeof asked => [
        [`GET /v2/models/{model}${version}`, `/v2/models/digits${version}`],
        [`GET /v2/models/{model}${version}/ready`, `/v2/models/digits${version}/ready`],
        [`POST /v2/models/{model}${version}/infer`, `/v2/models/digits${version}/infer`, infer],
        [`POST /v2/models/{model}${version}/infer`, `/v2/models/nothing${version}/infer`, infer],
      ]),
    ]
    const faults: unknown[] = []
    const fine = new Set<string>()
    for (const [name, path, body] of asked) {
      const answer = await t.http(name.split(" ")[0]!, path, body)
      if (answer.status === 200) fine.add(name)
      const found = faultsOf(name, answer)
      if (found) faults.push([name, answer.status, found])
    }
    expect(faults).toEqual([])
    expect([...operations.keys()].filter((name) => !fine.has(name))).toEqual(["GET /metrics"])
  })

  test("KServe's clients get a string as the error, and the code beside it", async () => {
    const { status, json } = await t.http("GET", "/v2/models/nothing")
    expect([status, json]).toEqual([
      404,
      {
        error: expect.stringContaining("no model of that name"),
        code: "IPFA_MODEL_NOT_FOUND",
        data: expect.any(Object),
      },
    ])
    expect((await raw(t.bridge.http, "GET", "/v2")).json).toMatchObject({
      error: expect.any(String),
      code: "IPFA_BRIDGE_TOKEN",
    })
    expect((await t.http("GET", "/v1/benchmarks?limit=all")).json.error.code).toBe("IPFA_INPUT_INVALID")
  })
})

/** `schema` with no fields but those it names, so that an answer can't have one that is not told of. */
function closed(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema), (_, value) =>
    value?.type === "object" && value.properties && value.additionalProperties === undefined
      ? { ...value, additionalProperties: false }
      : value,
  )
}
