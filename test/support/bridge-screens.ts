import type { Page } from "playwright-core"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { ensureDashboard, ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { digitImage, nativeIsThere, testBridge } from "./bridge.ts"
import { launchChromium } from "./chromium.ts"

/** A page of the bridge-server. */
interface BridgePage {
  name: "dashboard" | "worker"
  page: Page
  /** Opens it anew, in the language that its browser says by now. */
  again(): Promise<void>
}

/** The pages of a bridge-server at which something was done, so that they have something to show. */
export async function openBridgePages(): Promise<{ pages: BridgePage[]; close(): Promise<void> }> {
  await ensureDashboard()
  await ensureWorkerPage()
  const t = await testBridge({ evidence: (file) => Evidence.open(file, { software: "screens" }) })
  const context = await launchChromium()
  const open = async (name: string, code: string, ready: string) => {
    const page = await context.newPage()
    await page.goto(`${t.bridge.http}/${name}#code=${code}`)
    await page.locator(ready).first().waitFor()
    return page
  }
  await nativeIsThere(t.bridge)
  const joined = "[data-state=connected]"
  const worker = await open("worker", t.bridge.pairingCode().code, joined)
  const peer = await t.client()
  const feeds = { image: digitImage(0) }
  const devices = ["native-cpu", "wasm"]
  for (let i = 0; i < 4; i++) await peer.call("benchmark.run", { model: "digits", devices, feeds, samples: 10 })
  for (const device of devices) {
    const { sessionId } = await peer.call("session.open", { model: "digits", device })
    for (let i = 0; i < 40; i++) await peer.call("session.run", { sessionId, feeds })
    await peer.call("session.run", { sessionId, feeds: {} }).catch(() => undefined)
  }
  const dashboard = await open("dashboard", t.bridge.pairingCode("dashboard").code, "[data-testid=benchmark]")
  const furnish = async () => {
    // The second in which they ran is over when it is in the picture.
    await dashboard.locator("#now ~ [role=img][aria-label*='80']").waitFor()
    await dashboard.getByTestId("invite").click()
    await dashboard.getByTestId("link").waitFor()
  }
  await furnish()
  return {
    pages: [
      {
        name: "dashboard",
        page: dashboard,
        async again() {
          await dashboard.reload()
          await furnish()
        },
      },
      {
        name: "worker",
        page: worker,
        async again() {
          await worker.reload()
          await worker.locator(joined).waitFor()
        },
      },
    ],
    async close() {
      await context.close()
      await t.close()
    },
  }
}
