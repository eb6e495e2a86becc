import { type Browser, type BrowserContext, chromium } from "playwright-core"
import { webnnShellAbsent } from "../../bridge-server/browsers.ts"
import { type DrivenBrowser, joining } from "./driven.ts"

/** A headless Chromium that has WebNN (LiteRT and XNNPACK), which Debian's and Chrome's own headless builds lack, on `cpu`, `gpu` and `npu` contexts. End it with `context.browser().close()`. */
export async function launchWebnnShell(): Promise<BrowserContext> {
  return (await launch()).newContext()
}

async function launch(): Promise<Browser> {
  const { default: shell } = await import("@sparticuz/chromium")
  return chromium.launch({
    executablePath: await shell.executablePath(),
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    args: [
      "--headless=shell",
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--enable-features=WebMachineLearningNeuralNetwork",
    ],
  })
}

/** Opens the worker page by `link` in the shell, which has no extensions. Returns why there is none, where there is none. */
export async function joinWebnnShell(link: string, stop?: AbortSignal): Promise<DrivenBrowser | string> {
  const reason = webnnShellAbsent()
  if (reason) return reason
  const browser = await launch()
  return joining({ close: () => browser.close() }, stop, async () => {
    const page = await (await browser.newContext()).newPage()
    await page.goto(link)
    await page.getByTestId("state").and(page.locator("[data-state=connected]")).waitFor({ timeout: 60_000 })
  })
}
