import { type BrowserContext, chromium } from "playwright-core"

/** The npm package with a Chromium that has WebNN (LiteRT and XNNPACK), which Debian's and Chrome's own headless builds lack. */
const name = "@sparticuz/chromium"

async function shellPath(): Promise<string | undefined> {
  if (process.env.WEBNN_CHROMIUM) return process.env.WEBNN_CHROMIUM
  try {
    const { default: shell } = (await import(name)) as { default: { executablePath(): Promise<string> } }
    return await shell.executablePath()
  } catch {
    return undefined
  }
}

/** Why tests that need WebNN are skipped, or undefined where they can run. */
export async function whyNoWebnn(): Promise<string | undefined> {
  return (await shellPath()) ? undefined : `no browser with WebNN: set WEBNN_CHROMIUM or install ${name}`
}

/** A headless Chromium with WebNN on `cpu`, `gpu` and `npu` contexts. End it with `context.browser().close()`. */
export async function launchWebnnShell(): Promise<BrowserContext> {
  const browser = await chromium.launch({
    executablePath: await shellPath(),
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
