import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** The code a call of the page's API fails with, or `undefined` where it succeeds. */
const codeOf = (page: Page, call: string, ...args: unknown[]): Promise<string | undefined> =>
  page.evaluate(
    ([name, list]) =>
      window.ipfsAccelerate[name as string](...(list as unknown[])).then(
        () => undefined,
        (e: PageFault) => e.code,
      ),
    [call, args] as const,
  )

describe("what a page may do", () => {
  let browser: ExtensionBrowser
  let site: Served
  let page: Page
  beforeAll(async () => {
    site = await serveFolder(pagesDir)
    browser = await launchExtension()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  const open = async (url = site.url) => {
    page = await browser.context.newPage()
    await page.goto(url)
    return page
  }
  afterEach(async () => {
    const options = await browser.openOwn("options.html")
    await options.getByRole("heading", { name: "Sites" }).waitFor()
    while ((await options.getByTestId("revoke").count()) > 0) {
      const before = await options.getByTestId("revoke").count()
      await options.getByTestId("revoke").first().click()
      await expect.poll(() => options.getByTestId("revoke").count()).toBeLessThan(before)
    }
    for (const open of browser.context.pages().slice(1)) await open.close()
  })

  test("nothing of the extension is created in a page that doesn't call it", async () => {
    await open()
    expect(await page.evaluate(() => [typeof window.ipfsAccelerate.load, document.documentElement.outerHTML])).toEqual([
      "function",
      expect.not.stringContaining("ipfs-accelerate"),
    ])
    expect(page.frames()).toHaveLength(1)
    expect(await browser.devtools.target("offscreen.html")).toBeUndefined()
  })

  test("without a grant every call is refused alike, and only the API's existence is learnt", async () => {
    await open()
    const codes = [
      await codeOf(page, "hardware"),
      await codeOf(page, "status"),
      await codeOf(page, "load", "https://models.example.com/there.onnx"),
      await codeOf(page, "load", `sha256:${"0".repeat(64)}`),
      await codeOf(page, "load", new Uint8Array(8)),
      await codeOf(page, "benchmark", { model: "https://models.example.com/there.onnx", feeds: {} }),
    ]
    expect(new Set(codes)).toEqual(new Set(["IPFA_GRANT_REQUIRED"]))
  })

  test("a person's yes is for that origin, which can't be told by another", async () => {
    await open()
    expect(await browser.enable(page, "session")).toMatchObject({
      origin: site.url,
      capabilities: ["infer"],
      models: ["*"],
      lifetime: "session",
    })
    expect(await codeOf(page, "status")).toBeUndefined()
    await open(site.url.replace("localhost", "127.0.0.1"))
    expect(await codeOf(page, "status")).toBe("IPFA_GRANT_REQUIRED")
  })

  test("a no is a no, and so is a closed window", async () => {
    await open()
    expect(await browser.enable(page, "deny")).toMatchObject({ code: "IPFA_GRANT_DENIED" })
    const asked = page.evaluate(() =>
      window.ipfsAccelerate.enable({ capabilities: ["infer"] }).catch((e: PageFault) => e.code),
    )
    const prompt = await browser.prompt()
    await prompt.getByTestId("deny").waitFor()
    await prompt.close()
    expect(await asked).toBe("IPFA_GRANT_DENIED")
    expect(await codeOf(page, "status")).toBe("IPFA_GRANT_REQUIRED")
  })

  test("a window that is closed before it can show anything is a no as soon as it is closed, and the site may ask again", async () => {
    // Another origin than those tests whose denials count as well.
    await open(site.url.replace("localhost", "127.0.0.1"))
    const { closed } = await browser.devtools.closeNext()
    const asked = codeOf(page, "enable", { capabilities: ["infer"] })
    await closed
    const since = performance.now()
    expect(await asked).toBe("IPFA_GRANT_DENIED")
    // A window of which nobody tells is given up after a minute.
    expect(performance.now() - since).toBeLessThan(5_000)
    expect(await browser.enable(page, "once")).toMatchObject({ lifetime: "once" })
  })

  test("a service worker that is stopped while it opens the window: the next one opens it, once", async () => {
    await open()
    const { devtools, context } = browser
    const worker = (await devtools.target("background.js")) as string
    await devtools.evaluate(
      worker,
      `globalThis.asked = new Promise((asked) => {
        chrome.windows.create = () => {
          asked()
          return new Promise(() => {})
        }
      })
      void 0`,
    )
    const granted = page.evaluate(() => window.ipfsAccelerate.enable({ capabilities: ["infer"] }))
    await devtools.evaluate(worker, "globalThis.asked")
    await devtools.close(worker)
    const prompt = await browser.prompt()
    await prompt.getByTestId("allow-once").waitFor()
    expect(context.pages().filter((one) => one.url().includes("/prompt.html"))).toHaveLength(1)
    await prompt.getByTestId("allow-once").click()
    expect(await granted).toMatchObject({ lifetime: "once" })
  })

  test("a service worker that is stopped before it heard is asked again, and a window that is cut off before it was told asks again", async () => {
    await open()
    const { devtools } = browser
    expect(await codeOf(page, "status")).toBe("IPFA_GRANT_REQUIRED")
    // What Chromium does where it stops one just then: the call ends well, with nothing, and the connection at once.
    await devtools.evaluate(
      (await devtools.target("offscreen.html")) as string,
      `const send = chrome.runtime.sendMessage
      chrome.runtime.sendMessage = () => {
        chrome.runtime.sendMessage = send
        return Promise.resolve()
      }
      chrome.runtime.onConnect.addListener(function cut(port) {
        chrome.runtime.onConnect.removeListener(cut)
        port.disconnect()
      })`,
    )
    expect(await browser.enable(page, "once")).toMatchObject({ lifetime: "once" })
  })

  test("a grant for once ends with its page", async () => {
    await open()
    expect(await browser.enable(page, "once")).toMatchObject({ lifetime: "once" })
    expect(await codeOf(page, "status")).toBeUndefined()
    const first = page
    await open()
    expect(await codeOf(page, "status")).toBe("IPFA_GRANT_REQUIRED")
    await first.reload()
    expect(await codeOf(first, "status")).toBe("IPFA_GRANT_REQUIRED")
  })

  test("a second request of an origin is refused while its prompt is open; the prompt goes with the page that asked", async () => {
    await open()
    const code = page.evaluate(() => {
      const request = { capabilities: ["infer"] }
      void window.ipfsAccelerate.enable(request).catch(() => undefined)
      return window.ipfsAccelerate.enable(request).catch((e: PageFault) => e.code)
    })
    expect(await code).toBe("IPFA_GRANT_PROMPT")
    const prompt = await browser.prompt()
    const closed = prompt.waitForEvent("close")
    await page.close()
    await closed
  })

  test("the pool that ends as the person is asked takes the question with it; the page asks the next one by itself, and one answer is enough", async () => {
    await open()
    const asked = page.evaluate(() => window.ipfsAccelerate.enable({ capabilities: ["infer"] }))
    const first = await browser.prompt()
    await first.getByTestId("deny").waitFor()
    const closed = first.waitForEvent("close")
    await browser.devtools.close((await browser.devtools.target("offscreen.html")) as string)
    await closed
    await (await browser.prompt()).getByTestId("allow-once").click()
    expect(await asked).toMatchObject({ lifetime: "once" })
  })

  test("the prompt names the origin, the reason and the models, and its buttons wait for the person to have seen them", async () => {
    await browser.context.addInitScript(() => {
      const observer = new MutationObserver(() => {
        const button = document.querySelector<HTMLButtonElement>("[data-testid=allow-once]")
        if (!button) return
        observer.disconnect()
        Object.assign(window, { isDisabledAtFirst: button.disabled })
      })
      observer.observe(document, { childList: true, subtree: true })
    })
    await open()
    const asked = page.evaluate(() =>
      window.ipfsAccelerate.enable({
        capabilities: ["infer", "benchmark"],
        models: ["https://models.example.com/a.onnx", "b.onnx"],
        reason: "<b>Digits</b>",
      }),
    )
    const prompt = await browser.prompt()
    const once = prompt.getByTestId("allow-once")
    await once.waitFor()
    expect(await prompt.evaluate("isDisabledAtFirst")).toBe(true)
    const text = await prompt.locator("body").textContent()
    for (const part of [
      site.url,
      "<b>Digits</b>",
      "https://models.example.com/a.onnx",
      `${site.url}/b.onnx`,
      "can tell that you have this model",
      "4 GB of models on your disk",
      "B of memory, the graphics card’s included",
      "the whole graphics card while it computes",
    ])
      expect(text).toContain(part)
    // A script in the prompt's place could not press it either.
    await expect.poll(() => once.isEnabled()).toBe(true)
    await once.evaluate((button) => (button as unknown as { click(): void }).click())
    expect(await prompt.getByTestId("deny").isVisible()).toBe(true)
    await once.click()
    expect(await asked).toMatchObject({
      capabilities: ["infer", "benchmark"],
      models: ["https://models.example.com/a.onnx", `${site.url}/b.onnx`],
    })
    expect(await codeOf(page, "load", "https://models.example.com/b.onnx")).toBe("IPFA_GRANT_REQUIRED")
  })

  test("the prompt names what the person lets sites take, and so is the page told", async () => {
    const options = await browser.openOwn("options.html")
    await options.getByTestId("memory").selectOption(String(0.5e9))
    await options.getByTestId("disk").selectOption(String(2e9))
    await expect.poll(() => options.locator("#models meter").getAttribute("max")).toBe(String(2e9))
    await open()
    const asked = page.evaluate(() => window.ipfsAccelerate.enable({ capabilities: ["infer"] }))
    const prompt = await browser.prompt()
    await prompt.getByText("2 GB of models on your disk").waitFor()
    await prompt.getByText("500 MB of memory, the graphics card’s included").waitFor()
    await prompt.getByTestId("allow-once").click()
    expect(await asked).toMatchObject({ limits: { memoryBytes: 0.5e9, storeBytes: 2e9 } })
  })

  test("a prompt for more says that what was allowed for always stays so, and the two are listed one by one", async () => {
    await open()
    await browser.enable(page, "always", { models: [] })
    const asked = page.evaluate(() => window.ipfsAccelerate.enable({ capabilities: ["benchmark"], models: [] }))
    const says = async () => (await browser.prompt()).getByTestId("has-always").count()
    // The window before may be closing still.
    await expect.poll(() => says().catch(() => 0)).toBe(1)
    await (await browser.prompt()).getByTestId("allow-session").click()
    expect(await asked).toMatchObject({ lifetime: "session", capabilities: ["infer", "benchmark"] })
    const options = await browser.openOwn("options.html")
    const grants = options.getByTestId("grant")
    await expect.poll(() => grants.count()).toBe(2)
    expect(await grants.first().textContent()).toContain("until the browser is closed")
    expect(await grants.last().textContent()).toContain("until you take it back")
  })

  test("measuring in idle time is the person's to switch off, for as long as they leave it off", async () => {
    const [options, second] = [await browser.openOwn("options.html"), await browser.openOwn("options.html")]
    const measures = options.getByTestId("measure-idle")
    expect(await measures.isChecked()).toBe(true)
    await measures.click()
    // Another page is told when it is stored.
    await expect.poll(() => second.getByTestId("measure-idle").isChecked()).toBe(false)
    // The supervisor forgets nothing with its document.
    await browser.devtools.close((await browser.devtools.target("offscreen.html"))!)
    await options.reload()
    await measures.waitFor()
    expect(await measures.isChecked()).toBe(false)
  })

  test("a capability that was not granted is refused", async () => {
    await open()
    await browser.enable(page, "session", { capabilities: ["benchmark"] })
    expect(await codeOf(page, "status")).toBe("IPFA_GRANT_REQUIRED")
  })

  test("a page whose origin is opaque, and an embedded one, have no API", async () => {
    const sandboxed = await serveFolder(pagesDir, { headers: { "Content-Security-Policy": "sandbox allow-scripts" } })
    try {
      await open(sandboxed.url)
      expect(await page.evaluate(() => [origin, typeof window.ipfsAccelerate])).toEqual(["null", "undefined"])
      await open()
      await page.evaluate(
        async (src) => {
          const frame = document.createElement("iframe")
          frame.src = src
          document.body.append(frame)
          await new Promise((loaded) => frame.addEventListener("load", loaded))
        },
        site.url.replace("localhost", "127.0.0.1"),
      )
      expect(await page.frames()[1]!.evaluate(() => typeof window.ipfsAccelerate)).toBe("undefined")
    } finally {
      await sandboxed.close()
    }
  })
})
