import { afterAll, beforeAll, expect, test } from "vitest"
import { connect } from "../../sdk/connect.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type FirefoxBrowser, launchFirefox, noFirefox } from "../support/firefox.ts"
import { announced, chromiumArg, type HostHome, hostHome } from "../support/native-host.ts"

const images = digits.samples.map(({ image }) => image)
let user: HostHome
let launcher: string
let firefox: FirefoxBrowser
beforeAll(() => {
  user = hostHome()
  launcher = user.install("firefox", "chromium")
})
afterAll(async () => {
  await firefox?.close()
  user?.remove()
})

/** What the options page says once it says `words`. */
const says = (words: string) =>
  expect
    .poll(() => firefox.options.$eval("[data-testid=bridge-state]", (state) => state.textContent), { timeout: 30_000 })
    .toContain(words)

async function compute(): Promise<void> {
  await using bridge = await connect({ dataDir: user.dataDir })
  const session = await bridge.load(digitsModel, { agent: "firefox", device: "wasm" })
  const image = { dtype: "float32", shape: [images.length, 1, 8, 8], data: Float32Array.from(images.flat()) } as const
  const { outputs } = await session.run({ image })
  expect(distance(outputs.logits?.data as Float32Array, await nativeLogits(images))).toBeLessThan(digits.tolerance)
}

test.skipIf(noFirefox)(
  `Firefox with the native host pairs by itself with a bridge-server that was not up${noFirefox}`,
  async () => {
    firefox = await launchFirefox({ env: user.env })
    await says("found by the native host")
    await compute()
  },
)

test.skipIf(noFirefox)(
  `the bridge-server that one browser started stays for another, and ends with the last${noFirefox}`,
  async () => {
    const { pid } = announced(user)
    const other = user.start(launcher, chromiumArg)
    await other.peer.call("host.pair", { agent: "other", origin: chromiumArg.slice(0, -1) })
    await firefox.close()
    await expect.poll(() => user.running()).toEqual({ hosts: [other.pid], bridges: [pid] })
    other.kill()
    await expect.poll(() => user.running()).toEqual({ hosts: [], bridges: [] })
  },
)

test.skipIf(noFirefox)(
  `where Firefox may not connect to loopback itself, the native host carries it${noFirefox}`,
  async () => {
    const prefs = {
      "network.proxy.type": 1,
      "network.proxy.http": "127.0.0.1",
      "network.proxy.http_port": 9,
      "network.proxy.ssl": "127.0.0.1",
      "network.proxy.ssl_port": 9,
      "network.proxy.allow_hijacking_localhost": true,
    }
    firefox = await launchFirefox({ env: user.env, prefs })
    await says("through the native host, because")
    await compute()
  },
)
