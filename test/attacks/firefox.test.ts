import type { Frame, Page } from "puppeteer-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { methods } from "../../protocol/index.ts"
import { digitWork } from "../support/digit-work.ts"
import { digitsModel } from "../support/digits.ts"
import { type PageFault, pagesDir } from "../support/extension.ts"
import { type FirefoxBrowser, launchFirefox, noFirefox } from "../support/firefox.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { attack, expectRefused } from "./hostile-page.ts"
import { callFrameIn, embedIn, type Heard, speakIn, statusIn } from "./in-page.ts"

// S7 to S13 in Firefox, where a page's port and origin go another way: by a SharedWorker to the background page.

let firefox: FirefoxBrowser
let site: Served
let sandboxed: Served
/** The address of the extension's frame. No page of Firefox's is told it. */
let frameUrl: string
let granted: string
let other: string
beforeAll(async () => {
  const mounts = { "/models/": "models/digits" }
  site = await serveFolder(pagesDir, { mounts })
  sandboxed = await serveFolder(pagesDir, { headers: { "Content-Security-Policy": "sandbox allow-scripts" } })
  granted = site.url
  other = site.url.replace("localhost", "127.0.0.1")
  firefox = await launchFirefox()
  frameUrl = await firefox.options.evaluate(() => new URL("/frame.html", location.href).href)
  const page = await open(granted)
  expect(await firefox.enable(page, "always")).toMatchObject({ origin: granted })
  await page.close()
})
afterAll(async () => {
  await firefox?.close()
  await site?.close()
  await sandboxed?.close()
})

async function open(url: string): Promise<Page> {
  const page = await firefox.browser.newPage()
  await page.goto(url)
  return page
}
async function embed(page: Page | Frame, url: string, attributes: Record<string, string> = {}): Promise<Frame> {
  const element = await page.evaluateHandle(embedIn, [url, attributes] as [string, Record<string, string>])
  return (await element.contentFrame()) as Frame
}
const status = (page: Page | Frame): Promise<string> => page.evaluate(statusIn)
const callFrame = (page: Page | Frame): Promise<void> => page.evaluate(callFrameIn, frameUrl)
const heard = (page: Page | Frame) => page.evaluate("heard") as Promise<Heard>

/** By when a frame that answers at all has answered: one that was asked later, where it may be asked, got all it wanted. */
async function laterPageIsServed(): Promise<void> {
  const page = await open(granted)
  await callFrame(page)
  await expect.poll(() => heard(page)).toEqual({ frame: "ready", pool: "served" })
  await page.close()
}
const silent = { frame: "silent", pool: "silent" }

describe.skipIf(noFirefox)(`in Firefox${noFirefox}`, () => {
  test("S7: who asks the extension's frame by hand is whom the browser says", async () => {
    const page = await open(other)
    expect(await status(page)).toBe("IPFA_GRANT_REQUIRED")
    await callFrame(page)
    await expect.poll(() => heard(page)).toEqual({ frame: "ready", pool: "IPFA_GRANT_REQUIRED" })
    await laterPageIsServed()
    await page.close()
  })

  test("S7: frames of another origin in a granted page, a granted one in another's, and sandboxed ones get nothing", async () => {
    const [page, outer] = [await open(granted), await open(other)]
    const frames = [await embed(page, other), await embed(outer, granted)]
    frames.push(
      await embed(frames[0]!, granted),
      await embed(page, "", { srcdoc: "<!doctype html><body></body>" }),
      await embed(page, granted, { sandbox: "allow-scripts" }),
      await embed(page, granted, { sandbox: "allow-scripts allow-same-origin" }),
    )
    expect(await frames[4]!.evaluate("origin")).toBe("null")
    for (const frame of frames) {
      expect(await status(frame)).toBe("no API")
      await callFrame(frame)
    }
    await laterPageIsServed()
    for (const [i, frame] of frames.entries()) expect([i, await heard(frame)]).toEqual([i, silent])
    await Promise.all([page.close(), outer.close()])
  })

  // Firefox itself sees to this one: the extension's frame is in the same sandbox there.
  test("S7: a page whose origin is null gets nothing", async () => {
    const page = await open(sandboxed.url)
    expect(await page.evaluate("origin")).toBe("null")
    expect(await status(page)).not.toBe("served")
    await callFrame(page)
    await laterPageIsServed()
    expect((await heard(page)).pool).not.toBe("served")
    await page.close()
  })

  test("S8: a page that speaks the protocol by hand, as whoever it says, is refused all that it was not granted", async () => {
    const page = await open(other)
    const asked = methods.filter(({ grant }) => grant !== "none").map(({ name }) => name)
    const codes = await page.evaluate(speakIn, [asked, granted] as [string[], string])
    const refusals = ["IPFA_GRANT_REQUIRED", "IPFA_INPUT_INVALID", "IPFA_PROTOCOL_UNKNOWN_METHOD"]
    expect(new Set(codes)).toEqual(new Set(refusals))
    for (const name of ["status.get", "hardware.report", "model.list"] as const)
      expect(codes[asked.indexOf(name)], name).toBe("IPFA_GRANT_REQUIRED")
    await page.close()
  })

  test("S9 to S13, everything at once: an honest page gets right answers all the while, and each attempt its typed refusal", async () => {
    const honest = await open(granted)
    const upload = await honest.evaluate(
      async (bytes) =>
        (await window.ipfsAccelerate.load(new Uint8Array(bytes), { device: "wasm" })).model.reference as string,
      [...digitsModel, 0x9a, 0x06, 0x01, 0x07],
    )
    const working = await digitWork(honest, { device: "wasm" })
    const hostile = await open(other)
    expect(await firefox.enable(hostile, "session")).toMatchObject({ origin: other })
    const { outcomes } = await attack(hostile, upload)
    await working.goesOn()
    const ended = await outcomes()
    await working.goesOn()
    expectRefused(ended)
    // S9: another's upload, and one that is not there, are told apart by nothing.
    const told = (reference: string) =>
      hostile.evaluate(
        (reference) =>
          window.ipfsAccelerate
            .load(reference)
            .catch(({ code, message, data }: PageFault & { data: unknown }) =>
              JSON.stringify([code, message, data]).replaceAll(reference, "it"),
            ) as Promise<string>,
        reference,
      )
    expect(await told(upload)).toBe(await told(`sha256:${"0".repeat(64)}`))
    await Promise.all([honest.close(), hostile.close()])
  }, 180_000)
})
