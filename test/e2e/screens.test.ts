import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
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
  afterAll(() => page?.close())

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
})
