import { createServer as createHttp, type Server } from "node:http"
import { createServer as createHttps } from "node:https"
import type { AddressInfo } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import type { Frame, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { EXTENSION_ID } from "../../extension/id.ts"
import { methods } from "../../protocol/index.ts"
import { certificateFor } from "../support/certificate.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension } from "../support/extension.ts"
import { askForPoolIn, callFrameIn, embedIn, type Heard, speakIn, statusIn } from "./in-page.ts"

// Attacks S7 and S8 of the security model: who a page is, is the browser's word; what a page does to its own world harms nobody else.

const images = digits.samples.map(({ image }) => image)

let browser: ExtensionBrowser
let servers: Server[]
/** `site.test` and all below it, over TLS and without, and one on this machine. */
let loopback: string
const granted = "https://a.site.test"
const other = "https://b.site.test"

beforeAll(async () => {
  const answer: Parameters<typeof createHttp>[1] = ({ url }, response) => {
    const isModel = url === "/digits.onnx"
    const type = isModel ? "application/octet-stream" : "text/html"
    const sandbox = url === "/sandboxed" && { "Content-Security-Policy": "sandbox allow-scripts" }
    // Without this header a page of Chromium's can't set document.domain any more.
    response.writeHead(200, { "Content-Type": type, "Origin-Agent-Cluster": "?0", ...sandbox })
    response.end(isModel ? digitsModel : "<!doctype html><title>A page</title><body></body>")
  }
  servers = [createHttps(certificateFor("site.test"), answer), createHttp(answer)]
  const [tls, plain] = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
      return (server.address() as AddressInfo).port
    }),
  )
  loopback = `http://localhost:${plain}`
  const rules = `MAP *.site.test:443 127.0.0.1:${tls}, MAP *.site.test:80 127.0.0.1:${plain}`
  browser = await launchExtension({ args: [`--host-resolver-rules=${rules}`, "--ignore-certificate-errors"] })
  const page = await open(granted)
  expect(await browser.enable(page, "always")).toMatchObject({ origin: granted })
  await page.close()
})
afterAll(async () => {
  await browser?.close()
  for (const server of servers ?? []) {
    server.closeAllConnections()
    server.close()
  }
})

async function open(url: string): Promise<Page> {
  const page = await browser.context.newPage()
  await page.goto(url)
  return page
}

/** Has `page` embed `url`. */
async function embed(page: Page | Frame, url: string, attributes: Record<string, string> = {}): Promise<Frame> {
  const element = await page.evaluateHandle(embedIn, [url, attributes] as [string, Record<string, string>])
  return (await element.asElement()?.contentFrame()) as Frame
}

const status = (page: Page | Frame): Promise<string> => page.evaluate(statusIn)
const callFrame = (page: Page | Frame): Promise<void> =>
  page.evaluate(callFrameIn, `chrome-extension://${EXTENSION_ID}/frame.html`)

const heard = (page: Page | Frame) => page.evaluate("heard") as Promise<Heard>

/** By when a frame that answers at all has answered: one that was asked later, where it may be asked, got all it wanted. */
async function laterPageIsServed(): Promise<void> {
  const page = await open(granted)
  await callFrame(page)
  await expect.poll(() => heard(page)).toEqual({ frame: "ready", pool: "served" })
  await page.close()
}

const silent = { frame: "silent", pool: "silent" }

describe("S7: a page is whom the browser says", () => {
  test("the granted origin is served at the top, and asks the extension's frame as well by itself: nothing but itself is gained", async () => {
    const page = await open(granted)
    expect(await status(page)).toBe("served")
    await page.close()
    await laterPageIsServed()
  })

  test("a frame of another origin in a granted page, and a granted one in another's, get nothing", async () => {
    const [page, outer] = [await open(granted), await open(other)]
    const frames = [await embed(page, other), await embed(outer, granted)]
    // The granted origin again, in the frame of another.
    frames.push(await embed(frames[0]!, granted))
    for (const frame of frames) {
      expect(await status(frame)).toBe("no API")
      await callFrame(frame)
    }
    await laterPageIsServed()
    for (const frame of frames) expect(await heard(frame), frame.url()).toEqual(silent)
    await Promise.all([page.close(), outer.close()])
  })

  test("what a granted page embeds without an address, or sandboxes, gets nothing", async () => {
    const page = await open(granted)
    const frames = [
      await embed(page, "", { srcdoc: "<!doctype html><body></body>" }),
      await embed(page, "about:blank"),
      await embed(page, granted, { sandbox: "allow-scripts" }),
      await embed(page, granted, { sandbox: "allow-scripts allow-same-origin" }),
    ]
    expect(await frames[2]!.evaluate("origin")).toBe("null")
    for (const frame of frames) {
      expect(await status(frame)).toBe("no API")
      await callFrame(frame)
    }
    await laterPageIsServed()
    for (const frame of frames) expect(await heard(frame), frame.url()).toEqual(silent)
    await page.close()
  })

  // By the extension's frame, and by the extension port that stands in for it.
  test.each([0, 2])(
    "a frame of another origin that asks the page's content script for a connection is not heard (attempt %d)",
    async (attempt) => {
      const page = await open(granted)
      const frame = await embed(page, other)
      await frame.evaluate(askForPoolIn, ["parent", attempt] as ["parent", number])
      await laterPageIsServed()
      expect((await heard(frame)).pool).toBe("silent")
      expect(await status(page)).toBe("served")
      await page.close()
    },
  )

  test("a page of the granted address whose origin is null gets nothing", async () => {
    const page = await open(`${granted}/sandboxed`)
    expect(await page.evaluate("origin")).toBe("null")
    expect(await status(page)).toBe("no API")
    await callFrame(page)
    await laterPageIsServed()
    expect((await heard(page)).pool).not.toBe("served")
    await page.evaluate(askForPoolIn, ["self", 2] as ["self", number])
    await laterPageIsServed()
    expect((await heard(page)).pool).toBe("silent")
    await page.close()
  })

  test("a blob: page is the origin that made it, no more and no less", async () => {
    for (const [origin, outcome] of [
      [granted, "served"],
      [other, "IPFA_GRANT_REQUIRED"],
    ] as const) {
      const page = await open(origin)
      const opened = page.waitForEvent("popup")
      await page.evaluate(() => {
        window.open(URL.createObjectURL(new Blob(["<!doctype html><body></body>"], { type: "text/html" })))
      })
      const blob = await opened
      await blob.waitForLoadState()
      expect([await blob.evaluate("origin"), new URL(blob.url()).protocol]).toEqual([origin, "blob:"])
      expect(await status(blob)).toBe("no API")
      await callFrame(blob)
      await expect.poll(() => heard(blob)).toEqual({ frame: "ready", pool: outcome })
      await Promise.all([blob.close(), page.close()])
    }
  })

  test("the same host without TLS has no API, and can't reach the extension", async () => {
    const page = await open(granted.replace("https:", "http:"))
    expect(await page.evaluate("isSecureContext")).toBe(false)
    expect(await status(page)).toBe("no API")
    await callFrame(page)
    await laterPageIsServed()
    expect(await heard(page)).toEqual(silent)
    await page.close()
  })

  test("http on this machine is an origin of its own, with a grant of its own", async () => {
    const page = await open(loopback)
    expect(await status(page)).toBe("IPFA_GRANT_REQUIRED")
    expect(await browser.enable(page, "once")).toMatchObject({ origin: loopback })
    expect(await status(page)).toBe("served")
    const elsewhere = await open(loopback.replace("localhost", "127.0.0.1"))
    expect(await status(elsewhere)).toBe("IPFA_GRANT_REQUIRED")
    await Promise.all([page.close(), elsewhere.close()])
  })

  test("document.domain makes nobody somebody else", async () => {
    const [page, stranger] = [await open(granted), await open(other)]
    const frame = await embed(page, other)
    for (const each of [page, stranger, frame])
      expect(
        await each.evaluate(() => {
          document.domain = "site.test"
          return document.domain
        }),
      ).toBe("site.test")
    expect([await status(page), await status(stranger), await status(frame)]).toEqual([
      "served",
      "IPFA_GRANT_REQUIRED",
      "no API",
    ])
    await callFrame(stranger)
    await callFrame(frame)
    await expect.poll(() => heard(stranger)).toEqual({ frame: "ready", pool: "IPFA_GRANT_REQUIRED" })
    await laterPageIsServed()
    expect(await heard(frame)).toEqual(silent)
    await Promise.all([page.close(), stranger.close()])
  })
})

/** Runs `ask` in the world of the extension's content scripts, which a page that broke its process has as well: in the top frame, and in the one that it embeds. */
async function inContentScripts<T>(
  page: Page,
  ask: (given: T) => unknown,
  given: T,
): Promise<[top: unknown, frame: unknown]> {
  const own = await browser.openOwn("options.html")
  const results = (await own.evaluate(`(async () => {
    const [{ id: tabId }] = await chrome.tabs.query({ url: ${JSON.stringify(page.url())} })
    const target = { tabId, allFrames: true }
    return chrome.scripting.executeScript({ target, func: ${ask}, args: [${JSON.stringify(given)}] })
  })()`)) as { frameId: number; result: unknown }[]
  await own.close()
  const [top, frame] = [results.find(({ frameId }) => frameId === 0), results.find(({ frameId }) => frameId !== 0)]
  return [top?.result, frame?.result]
}

/** What the extension answers: to messages by their type, and to ports by their name. */
async function askExtension({ types, names }: { types: string[]; names: string[] }): Promise<Record<string, string>> {
  const answers: Record<string, string> = {}
  for (const type of types) {
    const { error } = await chrome.runtime.sendMessage({ type, id: "1", on: false })
    answers[type] = error === undefined ? "done" : "refused"
  }
  for (const name of names)
    answers[name] = await new Promise((resolve) => {
      const port = chrome.runtime.connect({ name })
      // There is a message where nobody was there to take it.
      port.onDisconnect.addListener(() => resolve(chrome.runtime.lastError?.message ?? "refused"))
      port.onMessage.addListener(({ kind }) => resolve(kind))
      port.postMessage({ kind: "hello", versions: [1, 1], role: "owner", software: "by hand" })
    })
  return answers
}

describe("S7: a content script is its page, whatever it says", () => {
  test("it can't be the owner, nor have done what the extension's own parts may ask; in a frame it is nobody", async () => {
    const page = await open(`${granted}/broken`)
    expect(await status(page)).toBe("served")
    await embed(page, other)
    const owners = ["forget", "native-host", "show-prompt", "autostart", "badge", "restart", "owner", "native-host 1"]
    const pages = ["inject", "pool"]
    const asked = { types: [...owners.slice(0, -2), "inject"], names: [...owners.slice(-2), "pool"] }
    const [top, frame] = await inContentScripts(page, askExtension, asked)
    expect(top).toEqual({
      ...Object.fromEntries(owners.map((each) => [each, "refused"])),
      inject: "done",
      pool: "hello",
    })
    expect(frame).toEqual(Object.fromEntries([...owners, ...pages].map((each) => [each, "refused"])))
    expect(await status(page)).toBe("served")
    await page.close()
  })

  test("it can neither answer a prompt, by telling that its window was closed, nor restart the extension for an update", async () => {
    const page = await open(other)
    const asked = page.evaluate(() => window.ipfsAccelerate.enable({ capabilities: ["infer"] }))
    const prompt = await browser.prompt()
    const allow = prompt.getByTestId("allow-once")
    await allow.waitFor()
    const id = new URL(prompt.url()).searchParams.get("id")
    const offscreen = await browser.devtools.target("offscreen.html")
    const broken = await open(`${granted}/broken`)
    const tell = async (notices: object[]) => {
      for (const notice of notices) await chrome.runtime.sendMessage(notice)
    }
    await inContentScripts(broken, tell, [{ type: "prompt-closed", id }, { type: "update-available" }])
    expect(await status(broken)).toBe("served")
    await allow.click()
    expect(await asked).toMatchObject({ origin: other, lifetime: "once" })
    // It would restart once nothing was wanted for two seconds.
    await delay(4000)
    expect(await browser.devtools.target("offscreen.html")).toBe(offscreen)
    await Promise.all([page.close(), broken.close()])
  })
})

describe("S8: what a page does to its own world", () => {
  /** The page's logits for all images, on wasm. */
  const run = (page: Page): Promise<number[]> =>
    page.evaluate(async (list) => {
      const session = await window.ipfsAccelerate.load("/digits.onnx", { device: "wasm" })
      const data = Float32Array.from(list.flat())
      const { outputs } = await session.run({ image: { dtype: "float32", shape: [list.length, 1, 8, 8], data } })
      await session.dispose()
      return [...outputs.logits.data]
    }, images)

  test.each([
    [
      "window.postMessage",
      () => {
        window.postMessage = () => undefined
      },
    ],
    [
      "ports",
      () => {
        MessagePort.prototype.postMessage = () => undefined
        MessageChannel.prototype.constructor = Object
      },
    ],
    [
      "the prototypes of all objects and promises",
      () => {
        for (const name of ["kind", "code", "kept", "reference", "origin", "life", "type", "aborted"])
          Object.defineProperty(Object.prototype, name, { get: () => "evil", set() {}, configurable: true })
        const { then } = Promise.prototype
        // biome-ignore lint/suspicious/noThenProperty: that is the attack
        Promise.prototype.then = function (...given: unknown[]) {
          return then.call(this, given[0] as never, given[0] as never) as never
        }
      },
    ],
    [
      "what the extension is told and asked by",
      () => {
        const swallow = (event: Event) => event.stopImmediatePropagation()
        for (const name of ["load", "failed", "lost", "takeover"])
          document.addEventListener(`ipfs-accelerate:${name}`, swallow, true)
        window.addEventListener("message", swallow, true)
        Document.prototype.createElement = () => null as never
        Element.prototype.attachShadow = () => null as never
      },
    ],
  ])(
    "overriding %s harms that page alone: another's answers are right, and it is well again when it is loaded anew",
    async (_, override) => {
      const [attacker, bystander] = [await open(granted), await open(granted)]
      await attacker.evaluate(override)
      // Whether its own calls fail, end wrongly or not at all is its own affair.
      void attacker
        .evaluate(() => void window.ipfsAccelerate.load("/digits.onnx").catch(() => undefined))
        .catch(() => undefined)
      const expected = await nativeLogits(images)
      expect(distance(await run(bystander), expected)).toBeLessThan(digits.tolerance)
      await attacker.reload()
      expect(distance(await run(attacker), expected)).toBeLessThan(digits.tolerance)
      await Promise.all([attacker.close(), bystander.close()])
    },
  )

  test("events and replies that a page makes up end its own connection at most: its next call is served", async () => {
    const [attacker, bystander] = [await open(granted), await open(granted)]
    expect([await status(attacker), await status(bystander)]).toEqual(["served", "served"])
    await attacker.evaluate(() => {
      for (const name of ["failed", "lost"])
        document.dispatchEvent(new CustomEvent(`ipfs-accelerate:${name}`, { detail: "IPFA_GRANT_DENIED" }))
      for (const type of ["connected", "route", "hello"])
        window.postMessage({ type: `ipfs-accelerate:${type}`, attempt: 0, origin: "owner", life: "" }, "/")
    })
    expect([await status(attacker), await status(bystander)]).toEqual(["served", "served"])
    await Promise.all([attacker.close(), bystander.close()])
  })

  test("a page that speaks the protocol by hand, as whoever it says, is refused all that it was not granted", async () => {
    const page = await open(other)
    const asked = methods.filter(({ grant }) => grant !== "none").map(({ name }) => name)
    const codes = await page.evaluate(speakIn, [asked, granted] as [string[], string])
    // What no page has, and what was asked for wrongly, says nothing of what is there.
    const refusals = ["IPFA_GRANT_REQUIRED", "IPFA_INPUT_INVALID", "IPFA_PROTOCOL_UNKNOWN_METHOD"]
    expect(new Set(codes)).toEqual(new Set(refusals))
    for (const name of ["status.get", "hardware.report", "model.list"] as const)
      expect(codes[asked.indexOf(name)], name).toBe("IPFA_GRANT_REQUIRED")
    // Nothing of the extension's own channels is there for a page.
    expect(await page.evaluate("typeof (globalThis.chrome?.runtime?.sendMessage)")).toBe("undefined")
    const victim = await open(granted)
    expect(await status(victim)).toBe("served")
    await Promise.all([page.close(), victim.close()])
  })
})
