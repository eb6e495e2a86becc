import { setTimeout as delay } from "node:timers/promises"
import type { WebkitPaths } from "../../bridge-server/browsers.ts"
import { type DrivenBrowser, joining } from "./driven.ts"
import { startWebDriver, startXvfb, type WebDriver } from "./web-driver.ts"

/** WebKitGTK's MiniBrowser under WebDriver, `headless` on a display of Xvfb's. */
async function launchWebkit(found: WebkitPaths, headless: boolean): Promise<WebDriver> {
  const screen = headless ? await startXvfb(found.xvfb as string) : undefined
  const end = () => void screen?.process.kill()
  try {
    const driver = await startWebDriver(
      found.driver,
      { "webkitgtk:browserOptions": { binary: found.browser, args: ["--automation"] } },
      { ...process.env, ...(screen && { DISPLAY: screen.display }) },
    )
    return {
      ...driver,
      async close() {
        await driver.close()
        end()
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

const JOIN_MS = 60_000

/** Opens the worker page by `link` in WebKitGTK. */
export async function joinWebkit(
  found: WebkitPaths,
  link: string,
  headless: boolean,
  stop?: AbortSignal,
): Promise<DrivenBrowser> {
  const driver = await launchWebkit(found, headless)
  return joining(driver, stop, async () => {
    await driver.goto(link)
    const script = "return document.querySelector('[data-testid=state]')?.dataset.state ?? document.body.innerText"
    for (const end = Date.now() + JOIN_MS; ; await delay(100)) {
      const state = await driver.evaluate(script)
      if (state === "connected") return
      if (Date.now() > end) throw new Error(`the worker page did not join: ${state}`)
    }
  })
}
