import type { Page } from "playwright-core"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { ensureDashboard, ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { digitImage, nativeIsThere, testBridge } from "./bridge.ts"
import { launchChromium } from "./chromium.ts"

/** The pages of a bridge-server at which something was done, so that they have something to show. */
export async function openBridgePages(): Promise<{
  pages: Record<"dashboard" | "worker", Page>
  close(): Promise<void>
}> {
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
  const worker = await open("worker", t.bridge.pairingCode().code, "[data-state=connected]")
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
  // The second in which they ran is over when it is in the picture.
  await dashboard.getByRole("img", { name: "80 done, 2 failed" }).waitFor()
  await dashboard.getByTestId("invite").click()
  await dashboard.getByTestId("link").waitFor()
  return {
    pages: { dashboard, worker },
    async close() {
      await context.close()
      await t.close()
    },
  }
}
