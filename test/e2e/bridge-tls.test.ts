import { get } from "node:https"
import { expect, test } from "vitest"
import { WebSocket } from "ws"
import { testBridge } from "../support/bridge.ts"
import { certificateFor } from "../support/certificate.ts"

test("with TLS, beyond loopback, a client that trusts the certificate gets in by the name that was configured, and by no other", async () => {
  const { cert, key } = certificateFor("gpu.lan")
  const t = await testBridge({ host: "0.0.0.0", tls: { cert, key }, alsoKnownAs: ["gpu.lan"], native: false })
  const port = Number(new URL(t.bridge.http).port)
  expect([t.bridge.http, t.bridge.ws]).toEqual([`https://127.0.0.1:${port}`, `wss://127.0.0.1:${port}`])
  const trust = { ca: cert, servername: "gpu.lan", host: "127.0.0.1", port }
  const status = (host: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = { host, authorization: `Bearer ${t.bridge.token}` }
      get({ ...trust, path: "/v2", headers }, (response) => resolve(response.resume().statusCode ?? 0)).on(
        "error",
        reject,
      )
    })
  expect(await status(`gpu.lan:${port}`)).toBe(200)
  expect(await status(`other.lan:${port}`)).toBe(403)
  const socket = new WebSocket(`wss://gpu.lan:${port}/client`, ["ipfa.v1"], {
    ca: cert,
    lookup: (_host, options, done) =>
      options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4),
    headers: { authorization: `Bearer ${t.bridge.token}` },
  })
  await new Promise((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  socket.close()
  await t.close()
})
