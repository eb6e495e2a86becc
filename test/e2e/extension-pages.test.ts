import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { drawDigit } from "../support/drawn-digits.ts"
import { type ExtensionBrowser, launchExtension } from "../support/extension.ts"

let browser: ExtensionBrowser
beforeAll(async () => {
  browser = await launchExtension()
})
afterAll(() => browser?.close())

describe("the welcome page", () => {
  let page: Page
  beforeAll(async () => {
    const isWelcome = (one: Page) => one.url().endsWith("/welcome.html")
    page =
      browser.context.pages().find(isWelcome) ?? (await browser.context.waitForEvent("page", { predicate: isWelcome }))
    await page.bringToFront()
  })
  afterAll(() => page?.close())

  const chooseDevice = async (device: string) => {
    // Devices are looked for when somebody comes to choose.
    await page.getByTestId("demo-device").focus()
    await page.getByTestId("demo-device").selectOption(device)
  }
  const answer = () => page.getByTestId("answer")

  test("opens once, when the extension is installed, and starts nothing", async () => {
    await page.getByTestId("pad").waitFor()
    expect(await browser.devtools.target("offscreen.html")).toBeUndefined()
  })

  test("reads the digit that is drawn, and says on which device and how fast", async () => {
    await chooseDevice("wasm")
    for (const digit of [3, 4, 7]) {
      await page.getByTestId("clear-pad").click()
      await drawDigit(page, digit)
      await expect.poll(() => answer().getAttribute("data-digit")).toBe(`${digit}`)
    }
    expect(await answer().getAttribute("data-device")).toBe("wasm")
    expect(await answer().textContent()).toMatch(/This is a .?7.*Computed in .?[\d.]+ ms.? on .?wasm/)
  })

  test("reads a digit that is chosen by keyboard, on the device that is chosen", async () => {
    await chooseDevice("webgpu")
    await page.getByTestId("sample-5").focus()
    await page.keyboard.press("Enter")
    await expect.poll(() => answer().getAttribute("data-device")).toBe("webgpu")
    await expect.poll(() => answer().getAttribute("data-digit")).toBe("5")
  })
})
