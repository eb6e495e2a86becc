import { readdirSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { CodeUse } from "../../protocol/index.ts"
import { ensureDashboard, ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { dial, raw, type TestBridge, testBridge } from "../support/bridge.ts"
import { launchChromium } from "../support/chromium.ts"

let t: TestBridge
const names: Record<string, string[]> = {}
beforeAll(async () => {
  for (const [page, folder] of Object.entries({ worker: await ensureWorkerPage(), dashboard: await ensureDashboard() }))
    names[page] = readdirSync(folder, { recursive: true }).map(String)
  t = await testBridge({ native: false })
})
afterAll(() => t.close())

const get = (path: string, headers: Record<string, string> = {}) => raw(t.bridge.http, "GET", path, undefined, headers)
const served = (page: string) => (names[page] as string[]).filter((name) => /\.(js|mjs|css|wasm)$/.test(name))

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error as { code?: string }).code ?? String(error),
  )

describe.each(["worker", "dashboard"])("/%s", (page) => {
  test("the shell carries no data: it is the same whoever asks and whatever the bridge-server holds", async () => {
    const before = (await get(`/${page}`)).bytes.toString()
    const agent = await dial(`${t.bridge.ws}/agent`, { origin: t.bridge.http })
    await agent.call("agent.pair", { code: t.bridge.pairingCode().code, agent: "planted" })
    agent.close()
    const after = await get(`/${page}`, { authorization: `Bearer ${t.bridge.token}` })
    expect(after.bytes.toString()).toBe(before)
    expect(after.headers["set-cookie"]).toBeUndefined()
    for (const secret of [t.bridge.token, t.dir, "planted"]) expect(before).not.toContain(secret)
  })

  test("below it only the built page's own files are served", async () => {
    expect(served(page).length).toBeGreaterThan(page === "worker" ? 5 : 1)
    for (const name of served(page)) expect((await get(`/${page}/${name}`)).status).toBe(200)
    for (const path of ["", "stamp", "index.html", "..%2fpackage.json", "..%5cpackage.json", "/etc/passwd", "%00"])
      expect([path, (await get(`/${page}/${path}`)).status]).toEqual([path, 404])
  })

  test("the policy lets nothing in from elsewhere, and strings become code in the worker that needs it alone", async () => {
    for (const path of [`/${page}`, ...served(page).map((name) => `/${page}/${name}`)]) {
      const { headers } = await get(path)
      const policy = headers["content-security-policy"] as string
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe-inline|https?:|\*/)
      expect([path, policy.includes("'unsafe-eval'")]).toEqual([path, path.startsWith("/worker/webnn-worker-")])
      expect([path, policy.includes("'wasm-unsafe-eval'")]).toEqual([path, page === "worker"])
      expect(headers).toMatchObject({
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
      })
    }
  })
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

describe("the dashboard's key", () => {
  // Five attempts a minute from one address, and the pages have one: they get a bridge-server of their own.
  beforeAll(async () => {
    await t.close()
    t = await testBridge({ native: false })
  })
  const EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
  const pair = async (use: CodeUse, as: CodeUse, agent: string, origin = t.bridge.http) => {
    const peer = await dial(`${t.bridge.ws}/agent`, { origin })
    try {
      return await peer.call("agent.pair", { code: t.bridge.pairingCode(use).code, agent, as })
    } finally {
      peer.close()
    }
  }
  const look = (token: string, path = "/client", origin = t.bridge.http) =>
    dial(`${t.bridge.ws}${path}`, { origin, protocols: ["ipfa.v1", `ipfa.token.${token}`] })

  test("is not had for a code that lets a browser compute, nor the other way round", async () => {
    expect(await code(pair("agent", "dashboard", "peeper", EXTENSION))).toBe("IPFA_BRIDGE_PAIRING")
    expect(await code(pair("dashboard", "agent", "peeper", EXTENSION))).toBe("IPFA_BRIDGE_PAIRING")
  })

  test("opens the look at the bridge-server and nothing else: no runs, no models, no joining, no HTTP, no further dashboards", async () => {
    const { token } = await pair("dashboard", "dashboard", "screen")
    const peer = await look(token)
    const seen = await new Promise<{ members: unknown[] }>((resolve) => {
      void peer.call("dashboard.watch", {}, { onEvent: resolve }).catch(() => {})
    })
    expect(seen.members).toEqual([])
    expect(await code(peer.call("dashboard.invite", {}))).toBe("resolved")
    expect(await code(peer.call("dashboard.invite", { for: "dashboard" }))).toBe("IPFA_GRANT_REQUIRED")
    for (const refused of [
      peer.call("session.open", { model: "digits" }),
      peer.call("status.get", {}),
      peer.call("model.list", {}),
      peer.call("model.delete", { sha256: "0".repeat(64) }),
      peer.call("benchmark.run", { model: "digits", feeds: {} }),
    ])
      expect(await code(refused)).toBe("IPFA_GRANT_REQUIRED")
    peer.close()
    await expect(look(token, "/agent")).rejects.toThrow("403")
    await expect(look(token, "/client", t.bridge.http.replace("127.0.0.1", "localhost"))).rejects.toThrow("401")
    const headers = { authorization: `Bearer ${token}`, origin: t.bridge.http }
    for (const path of ["/v1/status", "/v1/devices", "/v1/agents", "/v1/models", "/v2/models/digits", "/metrics"])
      expect([path, (await get(path, headers)).status]).toEqual([path, 403])
    expect((await get("/v1/status", { authorization: `Bearer ${token}` })).status).toBe(401)
  })

  test("an agent's token does not open the look, and neither does none", async () => {
    const { token } = await pair("agent", "agent", "computes")
    await expect(look(token)).rejects.toThrow("403")
    const agent = await look(token, "/agent")
    for (const call of ["dashboard.watch", "dashboard.history", "dashboard.invite"] as const)
      expect(await code(agent.call(call, {}))).not.toBe("resolved")
    agent.close()
    const stranger = await dial(`${t.bridge.ws}/agent`, { origin: t.bridge.http })
    expect(await code(stranger.call("dashboard.watch", {}))).not.toBe("resolved")
    stranger.close()
  })

  test("taken back, it ends the look that it opened, and opens none again", async () => {
    const { token } = await pair("dashboard", "dashboard", "lost-phone")
    const peer = await look(token)
    const watched = code(peer.call("dashboard.watch", {}))
    expect((await t.http("DELETE", "/v1/agents/lost-phone")).status).toBe(200)
    expect(await watched).toBe("IPFA_BRIDGE_TOKEN")
    await expect(look(token)).rejects.toThrow("401")
  })
})

describe("in a browser", () => {
  test.each(["worker", "dashboard"])("another site can't frame /%s, nor read it", async (path) => {
    const site = createServer((_, response) => {
      response.setHeader("content-type", "text/html")
      response.end(`<!doctype html><iframe src="${t.bridge.http}/${path}"></iframe>`)
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
        `${t.bridge.http}/${path}`,
      )
      expect(read).toBe("refused")
    } finally {
      await context.close()
      site.close()
    }
  })
})
