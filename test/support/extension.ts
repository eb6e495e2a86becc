import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { BrowserContext, Page } from "playwright-core"
import { EXTENSION_ID } from "../../extension/id.ts"
import type { Answer, Capability, Grant } from "../../protocol/index.ts"
import { ensureExtension } from "../../scripts/build-extension.ts"
import { type LaunchOptions, launchChromium } from "./chromium.ts"
import { type Devtools, devtools } from "./devtools.ts"

/** A folder with a blank page. */
export const pagesDir = resolve(import.meta.dirname, "pages")

/** What went wrong in a page, as far as it travels out of it. */
export interface PageFault {
  code: string
  message: string
}

export interface ExtensionBrowser {
  readonly context: BrowserContext
  readonly devtools: Devtools
  /** Opens a page of the extension: `options.html`. */
  openOwn(file: string): Promise<Page>
  /** Has the page ask, and answers the prompt as a person does. */
  enable(page: Page, answer: Answer, request?: Request): Promise<Grant | PageFault>
  /** Takes back what an origin was granted, on the options page, as a person does; when the click came to the button, ms since 1970. */
  revoke(options: Page, origin: string): Promise<number>
  /** The prompt that opens next, or is open. */
  prompt(): Promise<Page>
  close(): Promise<void>
}

interface Request {
  capabilities?: Capability[]
  models?: string[]
  reason?: string
}

interface ExtensionOptions extends Omit<LaunchOptions, "extensionDir"> {
  /** What the screens speak, other than English. */
  language?: string
}

/** A real Chromium with the built extension. */
export async function launchExtension({ language, ...options }: ExtensionOptions = {}): Promise<ExtensionBrowser> {
  // A copy: a build that someone starts meanwhile must not pull the files from under a running browser.
  const extensionDir = await mkdtemp(join(tmpdir(), "ipfa extension "))
  await cp(await ensureExtension(), extensionDir, { recursive: true })
  // Browsers come without the languages that a machine doesn't use: this one takes it for English.
  if (language)
    await cp(join(extensionDir, "_locales", language), join(extensionDir, "_locales/en"), { recursive: true })
  const context = await launchChromium({ ...options, extensionDir })
  const isPrompt = (page: Page) => page.url().startsWith(`chrome-extension://${EXTENSION_ID}/prompt.html`)
  const prompt = async () =>
    context.pages().find(isPrompt) ?? (await context.waitForEvent("page", { predicate: isPrompt }))
  return {
    context,
    devtools: await devtools(context),
    prompt,
    async openOwn(file) {
      const page = await context.newPage()
      await page.goto(`chrome-extension://${EXTENSION_ID}/${file}`)
      return page
    },
    async enable(page, answer, { capabilities = ["infer"], ...rest } = {}) {
      const { promise: failed, reject } = Promise.withResolvers<never>()
      const press = async (shown: Page) => {
        // A click waits until the button is there and enabled; the window may be gone before Playwright has seen the click's end.
        const click = shown.getByTestId(answer === "deny" ? "deny" : `allow-${answer}`).click()
        await click.catch((error) => shown.isClosed() || reject(error))
      }
      const pressed: Promise<void>[] = []
      // Where the pool ends meanwhile, the page asks its next one.
      const onPage = (opened: Page) => {
        if (isPrompt(opened)) pressed.push(press(opened))
      }
      context.on("page", onPage)
      try {
        const granted: Promise<Grant | PageFault> = page.evaluate(
          (request) =>
            window.ipfsAccelerate
              .enable(request)
              .catch(({ code, message }: PageFault): PageFault => ({ code, message })),
          { capabilities, ...rest },
        )
        const outcome = await Promise.race([granted, failed])
        await Promise.all(pressed)
        return outcome
      } finally {
        context.off("page", onPage)
      }
    },
    async revoke(options, origin) {
      const row = options.getByTestId("site").filter({ hasText: origin })
      const button = row.getByTestId("revoke")
      await button.evaluate(noteClick)
      await button.click()
      await row.waitFor({ state: "detached" })
      return options.evaluate(() => window.clickedAt)
    },
    async close() {
      await context.close()
      await rm(extensionDir, { recursive: true, force: true })
    },
  }
}

/** Runs in a page: has it note when it gets the next click on `button`, which a busy machine may bring it late. */
export function noteClick(button: Element): void {
  button.addEventListener("click", () => {
    window.clickedAt = performance.timeOrigin + performance.now()
  })
}

declare global {
  interface Window {
    clickedAt: number
    // biome-ignore lint/suspicious/noExplicitAny: the page's API, used in functions that run there; its types are the SDK's
    ipfsAccelerate: any
  }
}
