import shell from "@sparticuz/chromium"
import { type BrowserContext, chromium } from "playwright-core"

/** A headless Chromium that has WebNN (LiteRT and XNNPACK), which Debian's and Chrome's own headless builds lack, on `cpu`, `gpu` and `npu` contexts. End it with `context.browser().close()`. */
export async function launchWebnnShell(): Promise<BrowserContext> {
  const browser = await chromium.launch({
    executablePath: await shell.executablePath(),
    args: [
      "--headless=shell",
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--enable-features=WebMachineLearningNeuralNetwork",
    ],
  })
  return browser.newContext()
}
