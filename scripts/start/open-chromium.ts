import { type BrowserContext, chromium } from "playwright-core"
import { chromiumArgs } from "../browsers.ts"

/** A browser to open, with the extension. */
export interface OpenOptions {
  binary: string
  /** Folder of the unpacked extension. */
  extension: string
  /** Folder of a profile of its own. */
  profile: string
  headless: boolean
  /** Ends it while it is joining. */
  stop?: AbortSignal
}

const sandboxed = process.getuid?.() !== 0 && !process.env.CI

/**
 * Opens a Chromium for a person, in its sandbox: pages are hostile. Where it can't start so (no user namespace, as in most containers), it is started
 * once more without, and stderr says so. Throws where it can't start either way. With `signals` false the caller ends it on a signal; else Playwright
 * does, and this process with it. `sandbox` is not the default for root, who can't have one, nor in CI, whose containers don't let it.
 */
export async function openChromium(
  options: OpenOptions,
  { signals, sandbox = sandboxed }: { signals?: false; sandbox?: boolean } = {},
): Promise<BrowserContext> {
  const { binary, extension, profile, headless, stop } = options
  const open = (chromiumSandbox: boolean) =>
    chromium.launchPersistentContext(profile, {
      executablePath: binary,
      chromiumSandbox,
      // Playwright's own headless mode is the old shell, which loads no extensions: the arguments ask for the new one.
      headless: false,
      args: chromiumArgs({ headless, extension }),
      ignoreDefaultArgs: ["--disable-extensions"],
      viewport: null,
      ...(signals === false && { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }),
    })
  if (!sandbox) return open(false)
  try {
    return await open(true)
  } catch {
    stop?.throwIfAborted()
    const context = await open(false)
    process.stderr.write(WITHOUT_SANDBOX)
    return context
  }
}

const WITHOUT_SANDBOX = `Chromium could not start in its sandbox, so this one runs without: a page that breaks out of it can do all that you can do here.
Open only pages that you trust in it. The distribution's own Chromium may bring a sandbox; others need user namespaces, which this system may not allow.
`
