import { type BrowserContext, chromium, type Page } from "playwright-core"
import { findChromium } from "../../bridge-server/browsers.ts"
import { chromiumArgs } from "../../scripts/browsers.ts"

// Playwright waits on these signals until a browser has closed by itself, which one whose adapter computes may never do. Every browser ends with this process's `exit`.
for (const [signal, code] of [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const) process.once(signal, () => process.exit(code)) // biome-ignore format: a line

export interface LaunchOptions {
  /** An unpacked extension to load. */
  extensionDir?: string
  /** Added to the usual arguments. */
  args?: string[]
  /** False: WebGPU only where there is a GPU, else on SwiftShader, which is slow (default). */
  software?: boolean
  /** Kept between launches; a fresh temporary one where absent. */
  profileDir?: string
}

/** A headless Chromium with WebGPU on SwiftShader and a profile of its own. End it with `context.close()`. */
export function launchChromium({
  extensionDir,
  args = [],
  profileDir = "",
  software = true,
}: LaunchOptions = {}): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profileDir, {
    executablePath: findChromium(),
    // Playwright's own headless mode is the old shell, which loads no extensions: the flag below asks for the new one.
    headless: false,
    // With it, an extension that is installed or loaded anew while the browser runs stays off.
    ignoreDefaultArgs: ["--disable-extensions"],
    args: [...chromiumArgs({ headless: true, software, extension: extensionDir }), ...args],
  })
}

/** Ends the browser's GPU process. Two of these within two minutes take WebGPU away from the page's host for two more. */
export async function crashGpu(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send("Browser.crashGpuProcess")
  await session.detach()
}
