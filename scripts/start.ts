/** `npm start`: the bridge-server with native ONNX Runtime and every browser it can drive, one real inference on each device, and the table. */
import { writeSync } from "node:fs"
import path from "node:path"
import { WebSocket } from "ws"
import { playwrightChromium } from "../bridge-server/browsers.ts"
import { createLog } from "../bridge-server/log.ts"
import { type Bridge, startBridge } from "../bridge-server/server.ts"
import { Evidence } from "../bridge-server/storage/index.ts"
import { VERSION } from "../bridge-server/version.ts"
import { asAccelerateError, Peer, webSocketPort } from "../protocol/index.ts"
import { ensureChromium, ensureFirefox, ensureWebkit, FIREFOX_ABSENT } from "./browsers.ts"
import { ensureExtension, type Target } from "./build-extension.ts"
import { ensureDashboard, ensureWorkerPage } from "./packages/pages.ts"
import { type JoinOptions, joinChromium } from "./start/chromium.ts"
import type { DrivenBrowser } from "./start/driven.ts"
import { reporter } from "./start/events.ts"
import { joinFirefox } from "./start/firefox.ts"
import { measureDevice } from "./start/measure.ts"
import { type BrowserName, parseOptions, usage } from "./start/options.ts"
import { openSnapOr } from "./start/snap.ts"
import { joinWebkit } from "./start/webkit.ts"
import { joinWebnnShell } from "./start/webnn-shell.ts"

/** How long what was started may take to join, ms. */
const JOIN_MS = 60_000

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
const interrupted = new AbortController()
const stop = () =>
  (stopping ??= (async () => {
    await Promise.allSettled(driven.map((browser) => browser.close()))
    await bridge?.close()
  })())
const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      // A second Ctrl-C means it: what was started ends with this process, if not in its own way.
      if (signal === "SIGINT" && interrupted.signal.aborted) process.exit(130)
      say("Stopping …")
      interrupted.abort()
      void stop().then(resolve)
    })
})

/** Each opens a browser that pairs itself with the bridge, or says why there is none here. */
const open: Record<BrowserName, (bridge: Bridge) => Promise<DrivenBrowser | string>> = {
  async chromium(bridge) {
    const binary = await ensureChromium(interrupted.signal)
    if (!binary) return "no Chromium was found, and none could be installed"
    const join = async (binary: string) => joinChromium(await joinOptions("chromium", binary, "chrome-mv3", bridge))
    // One that was named is opened or none.
    return openSnapOr(binary, join, () => (stopping || process.env.CHROMIUM ? undefined : playwrightChromium()))
  },
  async firefox(bridge) {
    const binary = await ensureFirefox(undefined, interrupted.signal)
    if (!binary) return FIREFOX_ABSENT
    const join = async (binary: string) => joinFirefox(await joinOptions("firefox", binary, "firefox-mv2", bridge))
    return openSnapOr(binary, join, () => undefined)
  },
  async webkit(bridge) {
    const found = await ensureWebkit(headless, undefined, interrupted.signal)
    if (typeof found === "string") return found
    return joinWebkit(found, workerLink(bridge), headless, interrupted.signal)
  },
  webnn: (bridge) => joinWebnnShell(workerLink(bridge), interrupted.signal),
}

async function joinOptions(name: BrowserName, binary: string, target: Target, bridge: Bridge): Promise<JoinOptions> {
  const extension = await ensureExtension(target)
  const profile = path.join(dataDir, "profiles", name)
  const { code } = bridge.pairingCode()
  return { binary, extension, profile, headless, bridge: bridge.ws, code, stop: interrupted.signal }
}

const workerLink = ({ http, pairingCode }: Bridge) => `${http}/worker#code=${pairingCode().code}`

/** Opens a browser and waits until it has joined. False where it is there and did not. */
async function joined(name: BrowserName, bridge: Bridge): Promise<boolean> {
  const browser = name === "webnn" ? "webnn-shell" : name
  const absent = (reason: string) => emit({ event: "absent", agent: browser, browser, backend: "*", reason })
  say(`Opening ${browser} …`)
  try {
    const opened = await open[name](bridge)
    if (typeof opened === "string") {
      absent(opened)
      return true
    }
    driven.push(opened)
    if (stopping) await opened.close()
    const patience = AbortSignal.any([interrupted.signal, AbortSignal.timeout(JOIN_MS)])
    const agents = () => bridge.fleet.members.filter((member) => member.browser !== "native")
    while (agents().length < driven.length) await bridge.fleet.changed(patience)
    return true
  } catch (error) {
    if (stopping) return false
    const { message } = error as Error
    say(message)
    absent(`it could not be started and joined: ${message.split("\n")[0]}`)
    return false
  }
}

let ok = false
try {
  const log = createLog(process.env.IPFA_LOG ?? "warn")
  if (browsers.includes("webkit") || browsers.includes("webnn")) await ensureWorkerPage()
  await ensureDashboard()
  bridge = await startBridge({
    dataDir,
    port,
    log,
    // Opened by the bridge once it has the folder.
    evidence: (file) => Evidence.open(file, { software: VERSION }),
  })
  emit({ event: "ready", http: bridge.http, ws: bridge.ws, tokenFile: bridge.tokenFile })
  let all = true
  for (const name of browsers) if (!stopping) all = (await joined(name, bridge)) && all
  await bridge.fleet.settled(interrupted.signal, JOIN_MS)

  const socket = new WebSocket(`${bridge.ws}/client`, {
    headers: { authorization: `Bearer ${bridge.token}` },
    perMessageDeflate: false,
  })
  const client = new Peer(webSocketPort(socket), { role: "start" })
  const { devices, absent } = await client.call("hardware.report", {})
  ok = all && devices.length > 0
  for (const device of devices) {
    if (stopping) break
    say(`Running on ${device.agent} ${device.id} …`)
    const event = await measureDevice(client, device)
    if (event.event === "result") ok &&= event.ok
    emit(event)
  }
  for (const { browser = "native", agent = browser, id: backend, reason } of absent)
    emit({ event: "absent", agent, browser, backend, reason })
  client.close()
  emit({ event: "done", ok })
} catch (error) {
  const { code, message } = asAccelerateError(error)
  if (!stopping) say(`${code}: ${message}`)
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
