/** `npm start`: the bridge-server with native ONNX Runtime and every browser it can drive, one real inference on each device, and the table. */
import { writeSync } from "node:fs"
import path from "node:path"
import { WebSocket } from "ws"
import { createLog } from "../bridge-server/log.ts"
import { type Bridge, startBridge } from "../bridge-server/server.ts"
import { Evidence } from "../bridge-server/storage/index.ts"
import { VERSION } from "../bridge-server/version.ts"
import { asAccelerateError, Peer, webSocketPort } from "../protocol/index.ts"
import { ensureChromium, ensureFirefox, FIREFOX_ABSENT } from "./browsers.ts"
import { ensureExtension } from "./build-extension.ts"
import { ensureDashboard, ensureWorkerPage } from "./packages/pages.ts"
import { type DrivenBrowser, joinChromium } from "./start/chromium.ts"
import { reporter } from "./start/events.ts"
import { joinFirefox } from "./start/firefox.ts"
import { measureDevice } from "./start/measure.ts"
import { type BrowserName, parseOptions, usage } from "./start/options.ts"
import { joinWebkit } from "./start/webkit.ts"
import { joinWebnnShell } from "./start/webnn-shell.ts"

const options = parseOptions(process.argv.slice(2))
if (typeof options === "string") {
  if (options === "help") console.log(usage)
  else console.error(`${options}\n\n${usage}`)
  process.exit(options === "help" ? 0 : 2)
}
const { json, once, headless, dataDir, port, browsers } = options
// Synchronous, so that the last line is out before the process ends.
const { emit, say } = reporter(
  json,
  (text) => writeSync(1, text),
  (text) => writeSync(2, text),
)

let bridge: Bridge | undefined
const driven: DrivenBrowser[] = []
let stopping: Promise<void> | undefined
const stop = () =>
  (stopping ??= (async () => {
    await Promise.allSettled(driven.map((browser) => browser.close()))
    await bridge?.close()
  })())
const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      say("Stopping …")
      void stop().then(resolve)
    })
})

/** Browsers that join by the worker page: each returns why it is not there, or what ends it. */
const workers: Partial<Record<BrowserName, (link: string, headless: boolean) => Promise<DrivenBrowser | string>>> = {
  webkit: joinWebkit,
  webnn: joinWebnnShell,
}

async function open(name: BrowserName, { http, ws, pairingCode }: Bridge): Promise<void> {
  const browser = name === "webnn" ? "webnn-shell" : name
  const absent = (reason: string) => emit({ event: "absent", browser, backend: "*", reason })
  const worker = workers[name]
  if (worker) {
    say(`Opening ${browser} …`)
    try {
      const joined = await worker(`${http}/worker#code=${pairingCode().code}`, headless)
      if (typeof joined === "string") absent(joined)
      else driven.push(joined)
    } catch (error) {
      absent(`it could not be started and joined: ${(error as Error).message.split("\n")[0]}`)
    }
    return
  }
  const isFirefox = name === "firefox"
  const binary = await (isFirefox ? ensureFirefox() : ensureChromium())
  if (!binary) return absent(isFirefox ? FIREFOX_ABSENT : "no Chromium was found, and none could be installed")
  const extension = await ensureExtension(isFirefox ? "firefox-mv2" : "chrome-mv3")
  say(`Opening ${binary} …`)
  try {
    const profile = path.join(dataDir, "profiles", name)
    const join = isFirefox ? joinFirefox : joinChromium
    driven.push(await join({ binary, extension, profile, headless, bridge: ws, code: pairingCode().code }))
  } catch (error) {
    absent(`it could not be started and joined: ${(error as Error).message.split("\n")[0]}`)
  }
}

/** Resolves when the agents that were started have joined, or `ms` have passed. */
async function joined(count: number, { fleet }: Bridge, ms: number): Promise<void> {
  const end = Date.now() + ms
  while (fleet.members.length < count && Date.now() < end && !stopping)
    await new Promise((resolve) => setTimeout(resolve, 50))
}

let ok = false
try {
  const log = createLog(process.env.IPFA_LOG ?? "warn")
  if (browsers.some((name) => workers[name])) await ensureWorkerPage()
  await ensureDashboard()
  bridge = await startBridge({
    dataDir,
    port,
    log,
    // Opened by the bridge once it has the folder.
    evidence: (file) => Evidence.open(file, { software: VERSION }),
  })
  emit({ event: "ready", http: bridge.http, ws: bridge.ws, tokenFile: bridge.tokenFile })
  for (const name of browsers) if (!stopping) await open(name, bridge)
  await joined(1 + driven.length, bridge, 60_000)

  const socket = new WebSocket(`${bridge.ws}/client`, {
    headers: { authorization: `Bearer ${bridge.token}` },
    perMessageDeflate: false,
  })
  const client = new Peer(webSocketPort(socket), { role: "start" })
  const { devices, absent } = await client.call("hardware.report", {})
  ok = devices.length > 0
  for (const device of devices) {
    if (stopping) break
    say(`Running on ${device.agent} ${device.id} …`)
    const event = await measureDevice(client, device)
    if (event.event === "result") ok &&= event.ok
    emit(event)
  }
  for (const { agent, browser = "native", id: backend, reason } of absent)
    emit({ event: "absent", ...(agent && { agent }), browser, backend, reason })
  client.close()
  emit({ event: "done", ok })
} catch (error) {
  const { code, message } = asAccelerateError(error)
  say(`${code}: ${message}`)
  emit({ event: "done", ok: false })
  await stop()
  process.exit(1)
}
if (!once && !stopping) {
  const { code } = bridge.pairingCode("dashboard")
  say(`Dashboard, once within five minutes: ${bridge.http}/dashboard#code=${code}`)
  say("Running. Ctrl-C stops all of it.")
  await stopped
}
await stop()
process.exit(ok ? 0 : 1)
