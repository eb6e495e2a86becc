import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { tabTo, walkByTab } from "../support/keyboard.ts"
import {
  axeFaults,
  type FurnishedBrowser,
  launchFurnished,
  openScreen,
  screens,
  sizes,
  themes,
} from "../support/screens.ts"

let browser: FurnishedBrowser
beforeAll(async () => {
  browser = await launchFurnished()
})
afterAll(() => browser?.close())

describe.each(screens)("the screen $name", (screen) => {
  let page: Page
  beforeAll(async () => {
    page = await openScreen(screen, browser)
  })
  afterAll(async () => {
    if (!page?.isClosed()) await page?.close()
  })

  test.each(themes)("has nothing that axe finds wrong in the %s theme, narrow or wide", async (theme) => {
    await page.emulateMedia({ colorScheme: theme })
    for (const size of Object.values(sizes)) {
      await page.setViewportSize(size)
      expect(await axeFaults(page)).toEqual([])
    }
  })

  test("is as wide as its window, and says in which language it is", async () => {
    await page.setViewportSize(sizes.narrow)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      "en",
      "ltr",
    ])
    expect(await page.title()).toContain("ipfs-accelerate")
  })

  test("is walked by Tab: all that can be used is reached, in the order in which it stands, and is seen to be", async () => {
    await walkByTab(page)
  })

  test("is used by keyboard", async () => {
    await page.bringToFront()
    await uses[screen.name]?.(page)
  })
})

/** A question before something that can't be undone: its focus goes to the harmless answer, and back. */
async function asksFirst(page: Page, testId: string): Promise<void> {
  await tabTo(page, testId)
  await page.keyboard.press("Enter")
  await page.getByTestId(`${testId}-sure`).waitFor()
  await page.keyboard.press("Enter")
  await page.locator(`[data-testid=${testId}]:focus`).waitFor()
}

/** What a person does on each screen. */
const uses: Record<string, (page: Page) => Promise<void>> = {
  async popup(page) {
    await tabTo(page, "pause")
    await page.keyboard.press("Enter")
    await page.getByTestId("paused").waitFor()
    await page.keyboard.press("Enter")
    await page.getByTestId("paused").waitFor({ state: "detached" })
    await tabTo(page, "pair-here")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("not an address")
    await page.keyboard.press("Tab")
    await page.keyboard.type("AAAAAAAA")
    await page.keyboard.press("Enter")
    // Each error has its sentence and its code.
    await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/no address .* IPFA_INPUT_INVALID/)
  },
  async options(page) {
    await tabTo(page, "on-metered")
    await page.keyboard.press("Space")
    await page.locator("[data-testid=on-metered]:checked").waitFor()
    await tabTo(page, "gpu-share")
    await page.keyboard.press("ArrowUp")
    await expect.poll(() => page.getByTestId("gpu-share").inputValue()).toBe("0.75")
    await asksFirst(page, "erase")
  },
  benchmarks: (page) => asksFirst(page, "clear-results"),
  sidepanel: (page) => asksFirst(page, "clear-log"),
  async welcome(page) {
    await tabTo(page, "sample-5")
    await page.keyboard.press("Enter")
    await page.locator("[data-testid=answer][data-digit='5']").waitFor()
  },
  async prompt(page) {
    await tabTo(page, "deny")
    const closed = page.waitForEvent("close")
    // The window may be gone before the key is up again.
    await Promise.all([closed, page.keyboard.press("Enter").catch(() => undefined)])
  },
}

describe("read from the right, in Arabic", () => {
  let arabic: FurnishedBrowser
  beforeAll(async () => {
    arabic = await launchFurnished("ar")
  })
  afterAll(() => arabic?.close())

  test.each(screens)("the screen $name is as wide as its window, and axe finds nothing wrong", async (screen) => {
    const page = await openScreen(screen, arabic)
    await page.setViewportSize(sizes.narrow)
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      "ar",
      "rtl",
    ])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
    expect(await axeFaults(page)).toEqual([])
    await page.close()
  })
})

test("every screen is used by keyboard", () => {
  expect(Object.keys(uses).sort()).toEqual(screens.map(({ name }) => name).sort())
})
