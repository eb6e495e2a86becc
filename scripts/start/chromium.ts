import type { Page } from "playwright-core"
import { EXTENSION_ID } from "../../extension/id.ts"
import { type DrivenBrowser, joining } from "./driven.ts"
import { type OpenOptions, openChromium } from "./open-chromium.ts"

export interface JoinOptions extends OpenOptions {
  /** `ws://HOST:PORT` */
  bridge: string
  code: string
}

/** Opens Chromium with the extension in a profile of its own and pairs it with the bridge the way a person does: on the options page. */
export async function joinChromium({ bridge, code, ...options }: JoinOptions): Promise<DrivenBrowser> {
  const context = await openChromium(options, { signals: false })
  return joining({ close: () => context.close() }, options.stop, async () => {
    const page = context.pages()[0] ?? (await context.newPage())
    await pairChromium(page, bridge, code)
    if (options.headless) await page.goto("about:blank")
  })
}

/** What the options page has once it is known whether a native host pairs the browser. */
export const PAIRED_OR_NOT = "[data-testid=find-bridge]:enabled, [data-testid=forget-bridge]"

/** Pairs on the options page, whatever it was paired with before. */
export async function pairChromium(page: Page, bridge: string, code: string): Promise<void> {
  await page.goto(`chrome-extension://${EXTENSION_ID}/options.html`)
  // An earlier start's pairing is for that bridge's port and token: a new one is always right.
  const state = page.getByTestId("bridge-state")
  await page.locator(PAIRED_OR_NOT).waitFor({ timeout: 30_000 })
  if ((await state.getAttribute("data-state")) !== "none") await page.getByTestId("forget-bridge").click()
  await page.getByTestId("bridge-address").fill(bridge.replace(/^ws:\/\//, ""))
  await page.getByTestId("bridge-code").fill(code)
  await page.getByTestId("pair-bridge").click()
  await state.and(page.locator("[data-state=connected]")).waitFor({ timeout: 60_000 })
}
