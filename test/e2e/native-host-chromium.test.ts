import path from "node:path"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { connect } from "../../sdk/connect.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension } from "../support/extension.ts"
import { announced, chromiumOf, type HostHome, hostHome } from "../support/native-host.ts"

const images = digits.samples.map(({ image }) => image)

/** What a Node program computes with the fleet: on the browser's wasm device, all images at once, `times` over. */
async function compute({ dataDir }: HostHome, times = 1): Promise<number> {
  await using bridge = await connect({ dataDir })
  const session = await bridge.load(digitsModel, { agent: "chromium", device: "wasm" })
  const all = Array.from({ length: times }, () => images).flat()
  const image = { dtype: "float32", shape: [all.length, 1, 8, 8], data: Float32Array.from(all.flat()) } as const
  const { outputs } = await session.run({ image })
  const logits = outputs.logits?.data as Float32Array
  expect(logits).toHaveLength(all.length * 10)
  return distance(logits.slice(0, images.length * 10), await nativeLogits(images))
}

describe("Chromium with the native host installed", () => {
  let user: HostHome
  let browser: ExtensionBrowser
  let options: Page
  const state = () => options.getByTestId("bridge-state")
  const connected = () => state().and(options.locator("[data-state=connected]")).waitFor()
  const open = async (args: string[] = []) => {
    // Where Chromium looks for its user's native hosts when it is told of another profile.
    browser = await launchExtension({ profileDir: path.join(user.home, ".config/chromium"), args })
    options = await browser.openOwn("options.html")
  }
  beforeAll(async () => {
    user = hostHome()
    await user.cli("install-native-host", "--browser", "chromium")
    await open()
  })
  afterAll(async () => {
    await browser?.close()
    user?.remove()
  })

  test("pairs by itself with a bridge-server that was not up, and computes for a Node program", async () => {
    await connected()
    expect(await state().textContent()).toContain("found by the native host")
    expect(user.running()).toMatchObject({ hosts: [expect.any(Number)], bridges: [announced(user).pid] })
    expect(await compute(user)).toBeLessThan(digits.tolerance)
  })

  test("comes back when the native host was killed, to the same bridge-server", async () => {
    const { hosts, bridges } = user.running()
    process.kill(hosts[0] as number, "SIGKILL")
    await expect.poll(() => user.running().hosts.filter((pid) => pid !== hosts[0])).toHaveLength(1)
    await connected()
    expect(user.running().bridges).toEqual(bridges)
    expect(await compute(user)).toBeLessThan(digits.tolerance)
  })

  test("has another bridge-server started when the one there was was killed", async () => {
    const { bridges } = user.running()
    process.kill(bridges[0] as number, "SIGKILL")
    await expect.poll(() => user.running().bridges.filter((pid) => pid !== bridges[0])).toHaveLength(1)
    await connected()
    expect(await compute(user)).toBeLessThan(digits.tolerance)
  })

  test("leaves when the person says so, stays away after a restart, and comes back when asked to", async () => {
    await options.getByTestId("forget-bridge").click()
    await expect.poll(() => user.running()).toEqual({ hosts: [], bridges: [] })
    await browser.close()
    await open()
    await options.getByTestId("find-bridge").waitFor()
    expect(user.running().hosts).toEqual([])
    await options.getByTestId("find-bridge").click()
    await connected()
  })

  test("leaves nothing running when it is killed; started again, it is back before anybody opens a page", async () => {
    process.kill(chromiumOf(user), "SIGKILL")
    // That may be known here already, and is an error then.
    await browser.close().catch(() => undefined)
    await expect.poll(() => user.running()).toEqual({ hosts: [], bridges: [] })
    browser = await launchExtension({ profileDir: path.join(user.home, ".config/chromium") })
    await expect.poll(() => user.running().bridges).toHaveLength(1)
  })

  test("where it may not connect to loopback itself, the native host carries it", async () => {
    await browser.close()
    await open(["--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>"])
    await expect.poll(() => state().textContent(), { timeout: 30_000 }).toContain("through the native host, because")
    // More than 1 MiB in one message, which native messaging does not take.
    const times = Math.ceil((3 * 2 ** 20) / (images.length * 64 * 4))
    expect(await compute(user, times)).toBeLessThan(digits.tolerance)
  })
})
