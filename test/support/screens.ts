import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import axe from "axe-core"
import type { Page } from "playwright-core"
import type { LaunchOptions } from "./chromium.ts"
import { digits, digitsModel } from "./digits.ts"
import { drawDigit } from "./drawn-digits.ts"
import { type ExtensionBrowser, launchExtension, pagesDir } from "./extension.ts"
import { publicHost } from "./public-host.ts"

/** A browser in which something was done, so that the screens have something to show. */
export interface FurnishedBrowser extends ExtensionBrowser {
  /** The site that was granted something, and is open. */
  readonly site: Page
  /** From now on nobody answers, whatever is asked for. */
  unplug(): Promise<void>
}

/** `language`: of the screens; the extension's own where absent. */
export async function launchFurnished(
  language?: string,
  options: Pick<LaunchOptions, "software"> = {},
): Promise<FurnishedBrowser> {
  const host = await publicHost("*.example.com", {
    "/": readFileSync(resolve(pagesDir, "index.html")),
    "/digits.onnx": digitsModel,
  })
  const browser = await launchExtension({ args: host.args, language, ...options })
  const site = await browser.context.newPage()
  await site.goto("https://digits.example.com/")
  await browser.enable(site, "always", { capabilities: ["infer", "benchmark"] })
  const image = digits.samples[0]?.image as number[]
  await site.evaluate(async (image) => {
    const feeds = { image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
    const model = `${origin}/digits.onnx`
    for (let i = 0; i < 4; i++)
      await window.ipfsAccelerate.benchmark({ model, feeds, devices: ["wasm"], samples: 10, warmup: 1 })
    const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
    await session.run(feeds)
  }, image)
  return {
    ...browser,
    site,
    async unplug() {
      await browser.context.setOffline(true)
      await host.close()
    },
    async close() {
      await browser.close()
      await host.close()
    },
  }
}

/** A screen of the extension as a person comes to see it. */
export interface Screen {
  name: string
  open(browser: FurnishedBrowser): Promise<Page>
  /** Names a part that is there once the screen has what it shows. */
  ready: string
}

const own = (name: string, ready: string): Screen => ({
  name,
  ready,
  open: (browser) => browser.openOwn(`${name}.html`),
})

/** Every screen there is, by the name of its entrypoint. */
export const screens: readonly Screen[] = [
  {
    name: "popup",
    ready: "#site",
    async open(browser) {
      const page = await browser.openOwn("popup.html")
      // It is about the tab in front when it opens.
      await browser.site.bringToFront()
      await page.reload()
      await page.locator("#devices [data-testid=device]").first().waitFor()
      await page.bringToFront()
      return page
    },
  },
  own("options", "#devices [data-testid=device]"),
  own("benchmarks", "[data-testid=result]"),
  own("sidepanel", "[data-testid=log-entry]"),
  {
    name: "welcome",
    ready: "[data-testid=answer][data-digit]",
    async open(browser) {
      const page = await browser.openOwn("welcome.html")
      await page.getByTestId("demo-device").focus()
      await page.getByTestId("demo-device").selectOption("wasm")
      await drawDigit(page, 3)
      return page
    },
  },
  {
    name: "prompt",
    ready: "[data-testid=deny]:enabled",
    async open(browser) {
      const page = await browser.context.newPage()
      // A name that looks like another.
      await page.goto("https://xn--digts-zsa.example.com/")
      await page.evaluate(() => {
        const request = { capabilities: ["infer", "benchmark"], reason: "To recognise the digits that you draw." }
        const models = ["https://models.example.com/digits.onnx"]
        window.ipfsAccelerate.enable({ ...request, models }).catch(() => undefined)
      })
      const prompt = await browser.prompt()
      prompt.once("close", () => void page.close())
      return prompt
    },
  },
]

export const themes = ["light", "dark"] as const

/** As narrow as a side panel or a prompt's window can be made, and as wide as a tab. */
export const sizes = { narrow: { width: 360, height: 640 }, wide: { width: 1100, height: 760 } } as const

/** Opens a screen and waits until it shows what it has. */
export async function openScreen(screen: Screen, browser: FurnishedBrowser): Promise<Page> {
  const page = await screen.open(browser)
  await page.locator(screen.ready).first().waitFor()
  return page
}

/** From its next load on, the page's browser says that its person reads `language`. */
export async function speak(page: Page, language: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const userAgent = await page.evaluate(() => navigator.userAgent)
  await session.send("Emulation.setUserAgentOverride", { userAgent, acceptLanguage: language })
}

/** What moves on the page, by transition or animation, for those who want no motion. */
export async function moving(page: Page): Promise<string[]> {
  await page.emulateMedia({ reducedMotion: "reduce" })
  return page.evaluate(() =>
    [...document.querySelectorAll("*")].flatMap((element) =>
      [undefined, "::before", "::after"].flatMap((part) => {
        const { transitionDuration, animationName } = getComputedStyle(element, part)
        return transitionDuration === "0s" && animationName === "none" ? [] : [`${element.tagName}${part ?? ""}`]
      }),
    ),
  )
}

/** What axe-core finds wrong with the page as it is now, one line each. */
export async function axeFaults(page: Page): Promise<string[]> {
  // By the debugger, which the page's CSP does not hold for.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  )
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help} (${target.join(" ")})`))
}
