import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { pairFirefox } from "../../scripts/start/firefox.ts"
import { connect } from "../../sdk/connect.ts"
import { fleetWill, type TestBridge, testBridge } from "../support/bridge.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type FirefoxBrowser, launchFirefox, noFirefox } from "../support/firefox.ts"

const images = digits.samples.map(({ image }) => image)

let dataDir: string
let served: TestBridge
let firefox: FirefoxBrowser
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "ipfa bridge "))
  served = await testBridge({ dataDir, native: false })
  firefox = await launchFirefox()
})
afterAll(async () => {
  await firefox?.close()
  await served?.close()
  if (dataDir) await rm(dataDir, { recursive: true, force: true })
})

test.skipIf(noFirefox)(
  `Firefox pairs on the options page, a Node program computes in it, and it leaves when told to${noFirefox}`,
  async () => {
    const { bridge } = served
    const { options } = firefox
    await pairFirefox(options, bridge.ws, bridge.pairingCode().code)
    expect(bridge.fleet.members).toMatchObject([{ browser: "firefox" }])
    const expected = await nativeLogits(images)
    await using fleet = await connect({ url: bridge.ws, token: bridge.token })
    const image = { dtype: "float32", shape: [images.length, 1, 8, 8], data: Float32Array.from(images.flat()) } as const
    for (const device of ["wasm", "webgpu"]) {
      const session = await fleet.load(digitsModel, { agent: "firefox", device })
      const ran = await session.run({ image })
      expect(ran.device).toBe(device)
      expect(distance(ran.outputs.logits?.data as Float32Array, expected)).toBeLessThan(digits.tolerance)
    }
    await options.locator("[data-testid=forget-bridge]").click()
    await fleetWill(bridge, ({ fleet }) => fleet.members.every(({ gone }) => gone))
  },
)
