import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import sentences from "../../engine/agent/error-sentences.ar.json" with { type: "json" }
import english from "../../extension/public/_locales/en/messages.json" with { type: "json" }
import { registry } from "../../protocol/index.ts"
import { tabTo, walkByTab } from "../support/keyboard.ts"
import {
  axeFaults,
  type FurnishedBrowser,
  launchFurnished,
  moving,
  openScreen,
  type Screen,
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

  test("moves nothing for those who want no motion", async () => {
    expect(await moving(page)).toEqual([])
  })

  test("is used by keyboard", async () => {
    await page.bringToFront()
    await uses[screen.name]?.(page)
  })
})

/** What a screen comes into other than showing what there is: each is brought about as a person does, and ended. */
const states: { what: string; screen: string; come(page: Page): Promise<void>; end(page: Page): Promise<void> }[] = [
  {
    what: "the pairing form, and an error",
    screen: "popup",
    async come(page) {
      await page.getByTestId("pair-here").click()
      await page.getByTestId("bridge-address").fill("not an address")
      await page.getByTestId("bridge-code").fill("AAAAAAAA")
      await page.getByTestId("pair-bridge").click()
      await page.getByRole("alert").waitFor()
    },
    end: (page) => page.getByTestId("pair-here").click(),
  },
  {
    what: "a pause",
    screen: "popup",
    async come(page) {
      await page.getByTestId("pause").click()
      await page.getByTestId("paused").waitFor()
    },
    async end(page) {
      await page.getByTestId("pause").click()
      await page.getByTestId("paused").waitFor({ state: "detached" })
    },
  },
  ...["popup", "options"].map((screen) => ({
    what: "a site that is switched off",
    screen,
    async come(page: Page) {
      await page.getByTestId("site-switch").first().uncheck()
      await page.getByText(english.siteOff.message).first().waitFor()
    },
    end: (page: Page) => page.getByTestId("site-switch").first().check(),
  })),
  {
    what: "a question",
    screen: "options",
    async come(page) {
      await page.getByTestId("erase").click()
      await page.getByTestId("erase-sure").waitFor()
    },
    end: (page) => page.getByRole("button", { name: english.keep.message }).click(),
  },
  ...["popup", "sidepanel"].map((screen) => ({
    what: "jobs",
    screen,
    async come(page: Page) {
      await browser.site.evaluate(async () => {
        const session = await window.ipfsAccelerate.load(`${origin}/digits.onnx`, { device: "wasm" })
        const image = { dtype: "float32", shape: [4000, 1, 8, 8], data: new Float32Array(4000 * 64) }
        const work = async () => {
          while (sessionStorage.work) await session.run({ image })
        }
        sessionStorage.work = "on"
        void Promise.all([work(), work(), work()])
      })
      await page.getByTestId("job").first().waitFor()
    },
    async end(page: Page) {
      await browser.site.evaluate(() => sessionStorage.clear())
      await page.getByTestId("job").first().waitFor({ state: "detached" })
    },
  })),
]

describe.each(states)("the screen $screen with $what", ({ screen, come, end }) => {
  test("has nothing that axe finds wrong, and is as wide as its window", async () => {
    const page = await openScreen(screens.find(({ name }) => name === screen) as Screen, browser)
    await page.setViewportSize(sizes.narrow)
    await come(page)
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme })
      expect(await axeFaults(page)).toEqual([])
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
    await end(page)
    await page.close()
  })
})

describe("what they say", () => {
  const opened = async (name: string) => openScreen(screens.find((one) => one.name === name) as Screen, browser)

  test("the popup names the models that are stored, and says once why several devices are absent", async () => {
    const page = await opened("popup")
    await expect.poll(() => page.getByTestId("stored").textContent()).toContain("digits.onnx")
    const reasons = await page.getByTestId("absent-device").locator("[lang=en]").allTextContents()
    expect(reasons.length).toBeGreaterThan(0)
    expect(reasons).toEqual([...new Set(reasons)])
    await page.close()
  })

  test("the options write a limit as they write what is used of it", async () => {
    const page = await opened("options")
    const limit = await page.getByTestId("disk").locator("option:checked").textContent()
    expect(await page.locator("#models meter").getAttribute("aria-valuetext")).toMatch(new RegExp(` of ${limit}$`))
    await page.close()
  })

  test("the side panel has the sentence to a failed job's code", async () => {
    const page = await opened("sidepanel")
    await browser.site.evaluate(async () => {
      const session = await window.ipfsAccelerate.load(`${origin}/digits.onnx`, { device: "wasm" })
      await session.run({ image: { dtype: "float32", shape: [2], data: new Float32Array(2) } }).catch(() => undefined)
    })
    const failed = page.getByTestId("log-entry").and(page.locator("[data-outcome=failed]"))
    await expect
      .poll(() => failed.first().textContent())
      .toContain(`${registry.IPFA_INPUT_SHAPE.message} IPFA_INPUT_SHAPE`)
    await page.close()
  })

  test("the prompt says so while there is more of it below", async () => {
    const page = await opened("prompt")
    await page.setViewportSize(sizes.narrow)
    await page.getByTestId("more").waitFor()
    await page.locator(".asks").evaluate((asks) => asks.scrollTo(0, asks.scrollHeight))
    await page.getByTestId("more").waitFor({ state: "detached" })
    const closed = page.waitForEvent("close")
    await Promise.all([
      closed,
      page
        .getByTestId("deny")
        .click()
        .catch(() => undefined),
    ])
  })
})

test("a pause is said by a region that a screen reader knew of before", async () => {
  const page = await openScreen(screens[0] as Screen, browser)
  const known = await page.evaluateHandle(() => [...document.querySelectorAll("[role=status]")])
  await page.getByTestId("pause").click()
  await page.getByTestId("paused").waitFor()
  expect(await known.evaluate((all) => all.map((one) => one.textContent))).toContain(english.pausedByPerson.message)
  await page.getByTestId("pause").click()
  await page.getByTestId("paused").waitFor({ state: "detached" })
  await page.close()
})

describe("the ways from the popup to the other screens, pressed by a person", () => {
  let page: Page
  beforeAll(async () => {
    page = await openScreen(screens[0] as Screen, browser)
  })
  afterAll(() => page?.close())
  const opens = async (button: string, file: string) => {
    const opened = browser.context.waitForEvent("page", { predicate: (one) => one.url().endsWith(`/${file}`) })
    await page.getByTestId(button).click()
    await (await opened).close()
  }

  test("the benchmarks and the welcome page open in a tab", async () => {
    await opens("open-benchmarks", "benchmarks.html")
    await opens("open-welcome", "welcome.html")
  })

  test("the live view opens beside the pages", async () => {
    await page.bringToFront()
    await page.getByTestId("open-panel").click()
    await expect.poll(() => browser.devtools.target("sidepanel.html")).toBeDefined()
    expect(await page.getByRole("alert").count()).toBe(0)
    expect(browser.context.pages().filter((one) => one.url().endsWith("/sidepanel.html"))).toEqual([])
  })

  test("the live view opens in a tab where the browser has no place beside the pages", async () => {
    await page.evaluate(() => {
      // Chromium has the same under two names.
      for (const api of [chrome, (globalThis as { browser?: object }).browser])
        if (api) Object.defineProperty(api, "sidePanel", { value: undefined })
    })
    await opens("open-panel", "sidepanel.html")
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

  test("an error is told in Arabic, with its code and, in English, what was said of the very case", async () => {
    const page = await openScreen(screens[0] as Screen, arabic)
    await page.setViewportSize(sizes.narrow)
    await page.getByTestId("pair-here").click()
    await page.getByTestId("bridge-address").fill("not an address")
    await page.getByTestId("bridge-code").fill("AAAAAAAA")
    await page.getByTestId("pair-bridge").click()
    const alert = page.getByRole("alert")
    await alert.waitFor()
    expect(await alert.textContent()).toBe(
      `${sentences.IPFA_INPUT_INVALID} IPFA_INPUT_INVALID That is no address of a bridge-server. It looks like 127.0.0.1:8790.`,
    )
    const inEnglish = alert.locator("[lang=en][dir=ltr]")
    expect(await inEnglish.textContent()).toMatch(/^That is no address .* 127\.0\.0\.1:8790\.$/)
    expect(await axeFaults(page)).toEqual([])
    await page.close()
  })
})

test("every screen is used by keyboard", () => {
  expect(Object.keys(uses).sort()).toEqual(screens.map(({ name }) => name).sort())
})
