import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { checkNativeHost } from "../../bridge-server/cli/native-host.ts"
import { openPeer } from "../../engine/agent/bridge-dial.ts"
import { carriedSocket } from "../../engine/agent/carried-socket.ts"
import { type Outcome, uninstallHost } from "../../native-host/install.ts"
import { AccelerateError, encodeFrame, joinBytes } from "../../protocol/index.ts"
import { testBridge } from "../support/bridge.ts"
import { certificateFor } from "../support/certificate.ts"
import { announced, chromiumArg, type HostHome, hostHome, type StartedHost } from "../support/native-host.ts"

const origin = chromiumArg.slice(0, -1)
let user: HostHome
beforeEach(() => {
  user = hostHome()
})
afterEach(() => user.remove())

const pair = ({ peer }: StartedHost, agent = "chromium-1") => peer.call("host.pair", { agent, origin })
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )
const states = (outcomes: Outcome[]) => Object.fromEntries(outcomes.map(({ browser, state }) => [browser, state]))

describe("install-native-host", () => {
  test("tells the browsers that this user has, says so again without a change, and is undone", async () => {
    mkdirSync(path.join(user.home, ".config/google-chrome"), { recursive: true })
    mkdirSync(path.join(user.home, ".mozilla/firefox"), { recursive: true })
    const first = await user.cli("install-native-host")
    const installed = { chrome: "written", chromium: "absent", edge: "absent", firefox: "written" }
    expect(states(first.browsers)).toEqual(installed)
    const again = await user.cli("install-native-host")
    expect(again.launcher).toBe(first.launcher)
    expect(states(again.browsers)).toEqual({ ...installed, chrome: "unchanged", firefox: "unchanged" })
    for (const { state, manifest } of again.browsers) {
      expect(existsSync(manifest)).toBe(state === "unchanged")
      if (state === "unchanged") expect(JSON.parse(readFileSync(manifest, "utf8")).path).toBe(again.launcher)
    }
    expect(statSync(again.launcher).mode & 0o777).toBe(0o755)
    expect(checkNativeHost(user.machine)).toMatchObject({ ok: true, detail: "chrome, firefox" })

    const gone = { chrome: "removed", chromium: "absent", edge: "absent", firefox: "removed" }
    const { browsers } = await user.cli("uninstall-native-host")
    expect(states(browsers)).toEqual(gone)
    for (const { manifest } of browsers) expect(existsSync(manifest)).toBe(false)
    expect(existsSync(path.dirname(again.launcher))).toBe(false)
  })

  test("taken back from one browser stays for the others; taken back twice, it is gone", () => {
    const launcher = user.install("chrome", "edge")
    expect(states(uninstallHost(user.machine, ["chrome"]))).toEqual({ chrome: "removed" })
    expect(existsSync(launcher)).toBe(true)
    const outcomes = { chrome: "absent", chromium: "absent", edge: "removed", firefox: "absent" }
    expect(states(uninstallHost(user.machine))).toEqual(outcomes)
    expect(existsSync(launcher)).toBe(false)
    expect(states(uninstallHost(user.machine))).toEqual({ ...outcomes, edge: "absent" })
  })

  test("doctor says where no browser is told of it, or of a program that is not there or does not start", () => {
    const fix = expect.stringContaining("ipfs-accelerate install-native-host")
    expect(checkNativeHost(user.machine)).toMatchObject({ ok: false, fix })
    const launcher = user.install("chromium")
    expect(checkNativeHost(user.machine)).toMatchObject({ ok: true, detail: "chromium" })
    const text = readFileSync(launcher, "utf8")
    for (const broken of [text.replace(process.execPath, "/nowhere/node"), text.replace("cli/main.ts", "cli/not.ts")]) {
      writeFileSync(launcher, broken)
      expect(checkNativeHost(user.machine)).toMatchObject({
        ok: false,
        detail: expect.stringContaining("chromium"),
        fix,
      })
    }
    rmSync(launcher)
    expect(checkNativeHost(user.machine)).toMatchObject({ ok: false, detail: expect.stringContaining(launcher) })
  })
})

describe("the native host", () => {
  test("of two browsers at once starts one bridge-server, which outlives neither of them", async () => {
    const launcher = user.install("chromium")
    const hosts = [user.start(launcher, chromiumArg), user.start(launcher, chromiumArg)]
    const [one, two] = await Promise.all(hosts.map((host, i) => pair(host, `chromium-${i}`)))
    expect(one?.url).toBe(two?.url)
    expect(one?.token).not.toBe(two?.token)
    // The one that came second may still be going.
    const running = { hosts: hosts.map(({ pid }) => pid), bridges: [announced(user).pid] }
    await expect.poll(() => user.running()).toEqual(running)
    hosts[0]?.kill()
    expect(await pair(hosts[1] as StartedHost, "chromium-1")).toMatchObject({ url: one?.url })
    // As Chromium ends a host: its stdin does.
    hosts[1]?.peer.close()
    expect(await hosts[1]?.exited).toBe(0)
    await expect.poll(() => user.running()).toEqual({ hosts: [], bridges: [] })
  })

  test("that ends while the bridge-server starts leaves nothing behind", async () => {
    const host = user.start(user.install("chromium"), chromiumArg)
    const given = code(pair(host))
    await expect.poll(() => user.running().bridges, { interval: 20 }).toHaveLength(1)
    host.kill()
    expect(await given).toBe("IPFA_PROTOCOL_CLOSED")
    await expect.poll(() => user.running()).toEqual({ hosts: [], bridges: [] })
  })

  test("finds a bridge-server that a person started, and leaves it running", async () => {
    const launcher = user.install("chromium")
    const served = await testBridge({ dataDir: user.dataDir, native: false })
    const host = user.start(launcher, chromiumArg)
    expect(await pair(host)).toMatchObject({ url: `${served.bridge.ws}/agent` })
    expect(user.running().bridges).toEqual([])
    host.peer.close()
    await host.exited
    expect((await served.http("GET", "/healthz")).status).toBe(200)
    const { agents } = (await served.http("GET", "/v1/agents")).json
    expect(agents).toMatchObject([{ agent: "chromium-1", origin }])
    await served.close()
  })

  test("carries a connection to a bridge-server over TLS whose certificate no browser knows, large messages both ways", async () => {
    const tls = certificateFor("gpu.lan")
    const served = await testBridge({ dataDir: user.dataDir, native: false, tls })
    const { peer } = user.start(user.install("chromium"), chromiumArg)
    expect((await peer.call("host.pair", { agent: "chromium-1", origin })).url).toMatch(/^wss:/)
    const sent = randomBytes(3 * 2 ** 20)
    let came: Uint8Array | undefined
    const carried = await openPeer(carriedSocket(peer), {
      role: "agent",
      caller: undefined,
      handlers: {
        "model.put": ({ bytes }) => {
          came = bytes
          return { received: bytes.byteLength }
        },
      },
    })
    const hardware = { devices: [], absent: [] }
    await carried.call("agent.join", {
      agent: "chromium-1",
      browser: "chromium",
      version: "0",
      incarnation: 1,
      hardware,
    })
    const agent = served.bridge.fleet.get("chromium-1")
    await agent?.peer.call("model.put", { uploadId: "u", offset: 0, total: sent.byteLength, bytes: sent })
    expect(came && Buffer.compare(came, sent)).toBe(0)
    const one = { at: 1, kind: "run", device: "wasm", backend: "wasm", model: "0".repeat(64), ms: 1, ok: true } as const
    const measurements = Array.from({ length: 1000 }, () => ({ ...one, adapter: "a".repeat(3000) }))
    expect(await carried.call("agent.record", { measurements })).toEqual({ stored: 0 })
    peer.close()
    await served.close()
  })

  test("finds the bridge-server again after it was killed, and carries nothing before it paired", async () => {
    const host = user.start(user.install("chromium"), chromiumArg)
    expect(await code(host.peer.call("host.carry", {}))).toBe("IPFA_BRIDGE_UNREACHABLE")
    expect(await code(host.peer.call("host.send", { bytes: new Uint8Array(1) }))).toBe("IPFA_BRIDGE_UNREACHABLE")
    const { url } = await pair(host)
    const carried = code(host.peer.call("host.carry", {}, { onEvent: () => {} }))
    process.kill(announced(user).pid, "SIGKILL")
    await carried
    expect((await pair(host)).url).not.toBe(url)
  })

  test("goes on when a connection that it carries is given up while more comes than was taken in", async () => {
    const host = user.start(user.install("chromium"), chromiumArg)
    await pair(host)
    const giveUp = new AbortController()
    const began = Promise.withResolvers<void>()
    const onEvent = () => {
      began.resolve()
      return new Promise<void>(() => {})
    }
    const carried = code(host.peer.call("host.carry", {}, { signal: giveUp.signal, onEvent }))
    const send = (message: unknown) => host.peer.call("host.send", { bytes: joinBytes(encodeFrame(message)) })
    await send({ kind: "hello", versions: [1, 1], role: "agent", software: "test" })
    for (let id = 1; id <= 256; id++) await send({ kind: "call", id, method: "nothing.so.called", params: {} })
    await began.promise
    giveUp.abort()
    expect(await carried).toBe("IPFA_JOB_CANCELLED")
    expect(await pair(host)).toHaveProperty("token")
    host.peer.close()
    expect(await host.exited).toBe(0)
  })

  test("says why the bridge-server can't be started", async () => {
    const launcher = user.install("chromium")
    writeFileSync(launcher, readFileSync(launcher, "utf8").replace("cli/main.ts", "cli/nowhere.ts"))
    const host = user.start(launcher, chromiumArg)
    const refused = await pair(host).catch((error) => error)
    expect(refused).toMatchObject({ code: "IPFA_BRIDGE_UNREACHABLE", message: expect.stringContaining("exit code 1") })
  })
})
