import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { get, request } from "node:https"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { WebSocket } from "ws"
import type { Invitation } from "../../protocol/index.ts"
import { ensureDashboard, ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { connect } from "../../sdk/connect.ts"
import { digitError, digitImage, digits, testBridge } from "../support/bridge.ts"
import { certificateFor } from "../support/certificate.ts"
import { launchChromium } from "../support/chromium.ts"

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

test("serve takes several names, and commands on its own machine know it by its certificate, which is for none of them; the log file has what went on", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "ipfa tls "))
  const { cert, key } = certificateFor("gpu.lan")
  const file = (name: string, text: string) => {
    writeFileSync(path.join(dir, name), text)
    return path.join(dir, name)
  }
  const tls = ["--tls-cert", file("cert.pem", cert), "--tls-key", file("key.pem", key)]
  const data = path.join(dir, "data")
  const main = path.resolve(import.meta.dirname, "../../bridge-server/cli/main.ts")
  const remote = ["--host", "0.0.0.0", "--port", "0", "--name", "gpu.lan", "studio.lan:443", ...tls]
  const served = spawn(process.execPath, [
    main,
    "serve",
    "--json",
    "--data",
    data,
    "--no-native",
    "--no-evidence",
    "--log-level",
    "debug",
    ...remote,
  ])
  const run = promisify(execFile)
  const cli = (...args: string[]) => run(process.execPath, [main, ...args, "--data", data, "--json"])
  try {
    const ready = JSON.parse(
      await new Promise<string>((resolve) => served.stdout.once("data", (d) => resolve(String(d)))),
    )
    const { port } = new URL(ready.http)
    expect(JSON.parse((await cli("pair", "--worker")).stdout).link).toMatch(`https://gpu.lan:${port}/worker#code=`)
    expect(JSON.parse((await cli("status")).stdout).agents).toEqual([])
    const announced = JSON.parse(readFileSync(path.join(data, "bridge.json"), "utf8"))
    file("data/bridge.json", JSON.stringify({ ...announced, cert: certificateFor("gpu.lan").cert }))
    await expect(cli("status")).rejects.toMatchObject({ stderr: expect.stringContaining("IPFA_BRIDGE_UNREACHABLE") })
    const status = (host: string) =>
      new Promise((resolve, reject) => {
        const headers = { host }
        get(`${ready.http}/healthz`, { ca: cert, servername: "gpu.lan", headers }, (r) =>
          resolve(r.resume().statusCode),
        ).on("error", reject)
      })
    expect([await status(`gpu.lan:${port}`), await status("studio.lan"), await status(`studio.lan:${port}`)]).toEqual([
      200, 200, 403,
    ])
    served.kill()
    await once(served, "exit")
    const log = readFileSync(path.join(data, "logs", "bridge.log"), "utf8")
    const messages = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).msg)
    expect(messages).toEqual(expect.arrayContaining(["bridge-server listens", "request", "stopping"]))
    expect(log).not.toContain(readFileSync(ready.tokenFile, "utf8").trim())
  } finally {
    if (served.exitCode === null && served.kill()) await once(served, "exit")
    rmSync(dir, { recursive: true, force: true })
  }
})

test("a program on its machine finds it by its data folder, and takes the certificate announced there and no other", async () => {
  const t = await testBridge({ tls: certificateFor("gpu.lan"), native: false })
  try {
    const ai = await connect({ dataDir: t.dir })
    expect((await ai.status()).jobs.done).toBe(0)
    await ai.close()
    const file = path.join(t.dir, "bridge.json")
    const announced = JSON.parse(readFileSync(file, "utf8"))
    writeFileSync(file, JSON.stringify({ ...announced, cert: certificateFor("gpu.lan").cert }))
    await expect(connect({ dataDir: t.dir })).rejects.toMatchObject({ code: "IPFA_BRIDGE_UNREACHABLE" })
  } finally {
    await t.close()
  }
})

test("a browser elsewhere joins over TLS, by the name in the link, and opens the dashboard; without TLS both say why not", async () => {
  await ensureWorkerPage()
  await ensureDashboard()
  const name = "gpu.lan"
  const remote = { host: "0.0.0.0", alsoKnownAs: [name], native: false }
  const secure = await testBridge({ ...remote, tls: certificateFor(name) })
  const open = await testBridge({ ...remote, insecureRemote: true })
  // The name leads here, and the certificate is taken: what a name server and an installed root do between machines.
  const args = [`--host-resolver-rules=MAP ${name} 127.0.0.1`, "--ignore-certificate-errors"]
  const context = await launchChromium({ args })
  try {
    const page = await context.newPage()
    const ask = (path: string, body: object) =>
      new Promise<string>((resolve, reject) => {
        const headers = { authorization: `Bearer ${secure.bridge.token}`, "content-type": "application/json" }
        const asked = request(`${secure.bridge.http}${path}`, { method: "POST", headers, rejectUnauthorized: false })
        asked.on("error", reject)
        asked.on("response", (response) => {
          let text = ""
          response.on("data", (part) => (text += part))
          response.on("end", () => resolve(text))
        })
        asked.end(JSON.stringify(body))
      })
    const invite = async (use: "agent" | "dashboard") => {
      const { addresses, code } = JSON.parse(await ask("/v1/pairing", { for: use })) as Invitation
      expect(addresses[0]).toBe(`https://${name}:${new URL(secure.bridge.http).port}`)
      return `${addresses[0]}/${use === "agent" ? "worker" : use}#code=${code}`
    }
    await page.goto(await invite("agent"))
    await page.locator("[data-state=connected]").waitFor()
    expect(await page.evaluate(() => [isSecureContext, crossOriginIsolated])).toEqual([true, true])
    const { shape, data } = digitImage(0)
    const image = { name: "image", shape, datatype: "FP32", data: [...data] }
    const answer = await ask("/v2/models/digits/infer", { inputs: [image], parameters: { device: "wasm" } })
    expect(digitError(JSON.parse(answer).outputs[0].data, 0)).toBeLessThan(digits.tolerance)
    const dashboard = await context.newPage()
    await dashboard.goto(await invite("dashboard"))
    await dashboard.locator("[data-agent^=chromium-]").waitFor()
    await expect.poll(() => dashboard.getByTestId("done").textContent()).toBe("1")
    for (const path of ["worker", "dashboard"]) {
      await page.goto(`http://${name}:${new URL(open.bridge.http).port}/${path}`)
      await page.getByRole("alert").getByText("needs a secure connection").waitFor()
    }
  } finally {
    await context.close()
    await secure.close()
    await open.close()
  }
})
