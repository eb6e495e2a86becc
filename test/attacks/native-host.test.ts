import { mkdirSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { AccelerateError, EXTENSION_ID, GECKO_ID } from "../../protocol/index.ts"
import { raw } from "../support/bridge.ts"
import { announced, chromiumArg, type HostHome, hostHome } from "../support/native-host.ts"

const origin = chromiumArg.slice(0, -1)
let user: HostHome
let launcher: string
beforeAll(() => {
  user = hostHome()
  launcher = user.install("chromium", "firefox")
})
afterAll(() => user.remove())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )

test("S6: who listens where the bridge-server was learns nothing, and the extension is paired with the real one", async () => {
  const heard: IncomingMessage[] = []
  const impostor = createServer((request, response) => {
    heard.push(request)
    response.end(JSON.stringify({ version: "0.1.0", proof: "00".repeat(32) }))
  })
  impostor.on("upgrade", (request, socket) => {
    heard.push(request)
    socket.destroy()
  })
  await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve))
  const host = `127.0.0.1:${(impostor.address() as AddressInfo).port}`
  // What a bridge-server that was killed leaves behind.
  const tokenFile = path.join(user.dataDir, "token")
  mkdirSync(user.dataDir, { recursive: true })
  writeFileSync(tokenFile, "the-token-of-the-owner\n")
  const left = { http: `http://${host}`, ws: `ws://${host}`, tokenFile, pid: 1 }
  writeFileSync(path.join(user.dataDir, "bridge.json"), JSON.stringify(left))

  const { peer } = user.start(launcher, chromiumArg)
  const { url, token } = await peer.call("host.pair", { agent: "chromium-1", origin })
  expect(new URL(url).host).not.toBe(host)
  impostor.close()
  impostor.closeAllConnections()
  expect(heard.length).toBeGreaterThan(0)
  for (const { url, method, headers } of heard) {
    expect(`${method} ${url}`).toMatch(/^GET \/v1\/proof\?nonce=[0-9a-f]{32}$/)
    expect(headers.authorization).toBeUndefined()
    expect(headers.origin).toBeUndefined()
  }
  // The token is an agent's: nothing of the owner's opens with it.
  const agents = (bearer: string) =>
    raw(announced(user).http, "GET", "/v1/agents", undefined, { authorization: `Bearer ${bearer}` })
  expect((await agents(token)).status).toBe(401)
  expect((await agents("the-token-of-the-owner")).status).toBe(200)
  peer.close()
})

test.each([
  ["another extension", ["chrome-extension://abcdefghijklmnopabcdefghijklmnop/"]],
  ["another add-on", ["/manifest.json", "another@example.org"]],
  ["nobody", []],
])("S4: %s that starts the native host is refused before anything is asked", async (_, args) => {
  const host = user.start(launcher, ...args)
  expect(await code(host.peer.call("host.pair", { agent: "a", origin }))).toBe("IPFA_HOST_CALLER")
  await host.exited
})

test.each([
  [chromiumArg, "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "IPFA_HOST_CALLER"],
  [chromiumArg, "https://example.org", "IPFA_INPUT_INVALID"],
  [GECKO_ID, `chrome-extension://${EXTENSION_ID}`, "IPFA_HOST_CALLER"],
])("S4: from %s no token is made for %s", async (caller, claimed, refusal) => {
  const host = user.start(launcher, ...(caller === GECKO_ID ? ["/manifest.json", caller] : [caller]))
  expect(await code(host.peer.call("host.pair", { agent: "a", origin: claimed }))).toBe(refusal)
  host.peer.close()
})

test("an extension can't take the name of another's agent, or of the bridge-server's own", async () => {
  const chromium = user.start(launcher, chromiumArg)
  await chromium.peer.call("host.pair", { agent: "chromium-2", origin })
  expect(await code(chromium.peer.call("host.pair", { agent: "native", origin }))).toBe("IPFA_INPUT_INVALID")
  const firefox = user.start(launcher, "/manifest.json", GECKO_ID)
  const taken = { agent: "chromium-2", origin: "moz-extension://0a1b2c3d-0000-4000-8000-000000000000" }
  expect(await code(firefox.peer.call("host.pair", taken))).toBe("IPFA_BRIDGE_PAIRING")
  chromium.peer.close()
  firefox.peer.close()
})
