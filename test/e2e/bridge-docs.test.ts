import { Validator } from "@seriousme/openapi-schema-validator"
import { afterAll, beforeAll, expect, test } from "vitest"
import { digitImage, nativeIsThere, raw, type TestBridge, testBridge } from "../support/bridge.ts"

let t: TestBridge

beforeAll(async () => {
  t = await testBridge()
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
  await expect
    .poll(async () => (await t.http("GET", "/v1/devices")).json.absent.length, { timeout: 20_000 })
    .toBeGreaterThan(3)
  const { json: status } = await t.http("GET", "/v1/status")
  expect(status).toMatchObject({ agent: "bridge", agents: [{ agent: "native", devices: ["native-cpu"] }] })
})

test("a path that is not there is a JSON error too", async () => {
  const { status, json } = await t.http("GET", "/v3/everything")
  expect([status, json.error.code]).toEqual([404, "IPFA_INPUT_INVALID"])
})
