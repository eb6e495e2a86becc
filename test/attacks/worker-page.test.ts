import { readdirSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { dial, raw, type TestBridge, testBridge } from "../support/bridge.ts"
import { launchChromium } from "../support/chromium.ts"

let t: TestBridge
let names: string[]
beforeAll(async () => {
  const folder = await ensureWorkerPage()
  names = readdirSync(folder, { recursive: true }).map(String)
  t = await testBridge({ native: false })
})
afterAll(() => t.close())

const get = (path: string, headers: Record<string, string> = {}) => raw(t.bridge.http, "GET", path, undefined, headers)
const served = () => names.filter((name) => /\.(js|mjs|css|wasm)$/.test(name))

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error as { code?: string }).code ?? String(error),
  )

test("the shell carries no data: it is the same whoever asks and whatever the bridge-server holds", async () => {
  const before = (await get("/worker")).bytes.toString()
  const agent = await dial(`${t.bridge.ws}/agent`, { origin: t.bridge.http })
  await agent.call("agent.pair", { code: t.bridge.pairingCode().code, agent: "planted" })
  agent.close()
  const after = await get("/worker", { authorization: `Bearer ${t.bridge.token}` })
  expect(after.bytes.toString()).toBe(before)
  expect(after.headers["set-cookie"]).toBeUndefined()
  for (const secret of [t.bridge.token, t.dir, "planted"]) expect(before).not.toContain(secret)
})

test("below it only the built page's own files are served", async () => {
  expect(served().length).toBeGreaterThan(5)
  for (const name of served()) expect((await get(`/worker/${name}`)).status).toBe(200)
  for (const path of [
    "/worker/",
    "/worker/stamp",
    "/worker/index.html",
    "/worker/..%2fpackage.json",
    "/worker/..%5cpackage.json",
    "/worker//etc/passwd",
    "/worker/%00",
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404])
})

test("the policy lets nothing in from elsewhere, and strings become code in the worker that needs it alone", async () => {
  for (const path of ["/worker", ...served().map((name) => `/worker/${name}`)]) {
    const { headers } = await get(path)
    const policy = headers["content-security-policy"] as string
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe-inline|https?:|\*/)
    expect([path, policy.includes("'unsafe-eval'")]).toEqual([path, path.startsWith("/worker/webnn-worker-")])
    expect(headers).toMatchObject({
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
    })
  }
})

test("a code can't be traded twice, nor a token be used from another origin, nor either be used by another site", async () => {
  const origin = t.bridge.http
  const peer = await dial(`${t.bridge.ws}/agent`, { origin })
  const { code: once } = t.bridge.pairingCode()
  const { token } = await peer.call("agent.pair", { code: once, agent: "first" })
  expect(await code(peer.call("agent.pair", { code: once, agent: "second" }))).toBe("IPFA_BRIDGE_PAIRING")
  peer.close()
  const protocols = ["ipfa.v1", `ipfa.token.${token}`]
  const agent = await dial(`${t.bridge.ws}/agent`, { origin, protocols })
  agent.close()
  const elsewhere = origin.replace("127.0.0.1", "localhost")
  await expect(dial(`${t.bridge.ws}/agent`, { origin: elsewhere, protocols })).rejects.toThrow("401")
  for (const evil of ["https://evil.test", "http://127.0.0.1:1", "null"]) {
    await expect(dial(`${t.bridge.ws}/agent`, { origin: evil })).rejects.toThrow("403")
    await expect(dial(`${t.bridge.ws}/agent`, { origin: evil, protocols })).rejects.toThrow("403")
  }
  // Where callers come in, an unpaired page of ours has no business either.
  await expect(dial(`${t.bridge.ws}/client`, { origin })).rejects.toThrow("401")
})

describe("in a browser", () => {
  test("another site can't frame it, nor read it", async () => {
    const site = createServer((_, response) => {
      response.setHeader("content-type", "text/html")
      response.end(`<!doctype html><iframe src="${t.bridge.http}/worker"></iframe>`)
    })
    await new Promise<void>((listening) => void site.listen(0, "127.0.0.1", listening))
    const context = await launchChromium()
    try {
      const page = await context.newPage()
      await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`)
      await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/)
      const read = await page.evaluate(
        (url) =>
          fetch(url).then(
            () => "read",
            () => "refused",
          ),
        `${t.bridge.http}/worker`,
      )
      expect(read).toBe("refused")
    } finally {
      await context.close()
      site.close()
    }
  })
})
