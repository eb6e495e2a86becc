import { existsSync } from "node:fs"
import { type BrowserContext, chromium, type Page } from "playwright-core"

/** Where a Chromium usually is, after what the environment names. */
const places = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/snap/bin/chromium",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
]

/** The Chromium to test with, or undefined where there is none. */
export function chromiumPath(): string | undefined {
  const found = places.find((path) => path && existsSync(path))
  if (found) return found
  const downloaded = chromium.executablePath()
  return existsSync(downloaded) ? downloaded : undefined
}

/** Why tests that need a Chromium are skipped, or undefined where they can run: `describe.skipIf(noChromium)`. */
export const noChromium = chromiumPath() ? undefined : "no Chromium found; set CHROMIUM to its path"

export interface LaunchOptions {
  /** An unpacked extension to load. */
  extensionDir?: string
  /** Added to the usual arguments. */
  args?: string[]
  /** Kept between launches; a fresh temporary one where absent. */
  profileDir?: string
}

/** A headless Chromium with WebGPU on SwiftShader and a profile of its own. End it with `context.close()`. */
export function launchChromium({
  extensionDir,
  args = [],
  profileDir = "",
}: LaunchOptions = {}): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profileDir, {
    executablePath: chromiumPath(),
    // Playwright's own headless mode is the old shell, which loads no extensions: the flag below asks for the new one.
    headless: false,
    // With it, an extension that is installed or loaded anew while the browser runs stays off.
    ignoreDefaultArgs: ["--disable-extensions"],
    args: [
      "--headless=new",
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      ...(extensionDir ? [`--disable-extensions-except=${extensionDir}`, `--load-extension=${extensionDir}`] : []),
      ...args,
    ],
  })
}

/** Ends the browser's GPU process. Two of these within two minutes take WebGPU away from the page's host for two more. */
export async function crashGpu(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send("Browser.crashGpuProcess")
  await session.detach()
}
