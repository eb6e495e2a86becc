import type { lookup } from "node:dns"
import { readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type NodeLibraryOptions, nodeLibrary } from "../../engine/store/node.ts"
import { type Bundled, bundle } from "../support/bundle.ts"
import { launchChromium } from "../support/chromium.ts"
import { digitsModel } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type ModelServer, modelServer } from "../support/model-server.ts"
import { type PublicHost, publicHost } from "../support/public-host.ts"
import { serveFolder } from "../support/serve.ts"
import { codeOf, someBytes } from "../support/store-cases.ts"

/** RELIABILITY.md S12: a model's address must not lead into a private network, by whatever way. */

const page = { owner: "https://a.example" }
const person = { owner: "owner" }

let server: ModelServer
let dir: string
beforeAll(async () => {
  server = await modelServer("0.0.0.0")
  dir = await mkdtemp(join(tmpdir(), "ipfa attack "))
})
afterAll(async () => {
  await server.close()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(() => {
  server.requests.length = 0
})

const library = (options: Partial<NodeLibraryOptions> = {}) =>
  nodeLibrary({ dir: join(dir, String(Math.random())), ...options })
const redirect = (path: string, location: string) =>
  server.answer(path, (_, response) => void response.writeHead(302, { location }).end())

describe("in Node", () => {
  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/m.onnx",
    "https://[fd00:ec2::254]/m.onnx",
    "https://metadata.google.internal/m.onnx",
    "https://10.0.0.1/m.onnx",
    "https://192.168.1.1/m.onnx",
    "https://172.16.0.1/m.onnx",
    "https://127.0.0.1/m.onnx",
    "https://0x7f000001/m.onnx",
    "https://localhost/m.onnx",
    "http://[::ffff:127.0.0.1]/m.onnx",
    "https://0.0.0.0/m.onnx",
    "https://printer.local/m.onnx",
  ])("%s is refused", async (url) => {
    expect(await codeOf(library().acquire(url, page))).toBe("IPFA_MODEL_ADDRESS")
  })

  test("a running loopback server hears nothing unless loopback is allowed", async () => {
    const url = server.serve("/m.onnx", { bytes: someBytes(100) })
    expect(await codeOf(library().acquire(url, page))).toBe("IPFA_MODEL_ADDRESS")
    expect(server.requests).toEqual([])
    expect(await codeOf(library({ allowLoopback: true }).acquire(url, page))).toBeUndefined()
  })

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/m.onnx",
    "http://192.168.0.1/m.onnx",
    "http://0.0.0.0/m.onnx",
    "http://models.example.com/m.onnx",
    "file:///etc/hostname",
    "data:text/plain,model",
    "http://",
  ])("a redirect to %s is refused at that hop", async (location) => {
    const url = redirect("/go", redirect("/first", location))
    expect(await codeOf(library({ allowLoopback: true }).acquire(url, page))).toBe("IPFA_MODEL_ADDRESS")
    expect(server.requests.map((r) => r.path)).toEqual(["/go", "/first"])
  })

  test("redirects without end are ended", async () => {
    const url = redirect("/round", "/round")
    expect(await codeOf(library({ allowLoopback: true }).acquire(url, page))).toBe("IPFA_MODEL_FETCH")
    expect(server.requests.length).toBeLessThan(20)
  })

  test.each(["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1"])(
    "a public name that resolves to %s is refused before a connection is made",
    async (address) => {
      const asked: string[] = []
      const resolve = ((host: string, _: unknown, callback: (error: null, all: unknown) => void) => {
        asked.push(host)
        callback(null, [
          { address: "93.184.216.34", family: 4 },
          { address, family: address.includes(":") ? 6 : 4 },
        ])
      }) as unknown as typeof lookup
      const { port } = new URL(server.url)
      const url = `https://rebind.example.com:${port}/m.onnx`
      for (const allowLoopback of [false, true])
        expect(await codeOf(library({ lookup: resolve, allowLoopback }).acquire(url, page))).toBe("IPFA_MODEL_ADDRESS")
      expect(asked).toEqual(["rebind.example.com", "rebind.example.com"])
      expect(server.requests).toEqual([])
    },
  )

  test("localhost that resolves elsewhere is refused", async () => {
    const resolve = ((_: string, __: unknown, callback: (error: null, all: unknown) => void) =>
      callback(null, [{ address: "10.0.0.1", family: 4 }])) as unknown as typeof lookup
    const models = library({ lookup: resolve, allowLoopback: true })
    expect(await codeOf(models.acquire("http://localhost:1/m.onnx", page))).toBe("IPFA_MODEL_ADDRESS")
  })

  test("no credentials travel, not even those a redirect brings", async () => {
    server.serve("/end.onnx", { bytes: someBytes(100) })
    const url = server.answer(
      "/start",
      (_, response) =>
        void response
          .writeHead(307, {
            location: `http://user:secret@127.0.0.1:${new URL(server.url).port}/end.onnx`,
            "set-cookie": "id=1",
          })
          .end(),
    )
    await library({ allowLoopback: true }).acquire(url, page)
    for (const { headers } of server.requests) {
      expect(headers).not.toHaveProperty("cookie")
      expect(headers).not.toHaveProperty("authorization")
      expect(headers).not.toHaveProperty("referer")
    }
    expect(server.requests).toHaveLength(2)
  })

  test("file: is for the person's own programs, where it was allowed", async () => {
    const path = join(dir, "secret")
    await writeFile(path, someBytes(100))
    const url = pathToFileURL(path).href
    expect(await codeOf(library().acquire(url, person))).toBe("IPFA_MODEL_SCHEME")
    const theirs = await Promise.all(
      [url, `${url}-absent`].map((reference) =>
        library({ allowFile: true })
          .acquire(reference, page)
          .catch((e) => e),
      ),
    )
    expect(theirs.map((e) => e.code)).toEqual(["IPFA_MODEL_ADDRESS", "IPFA_MODEL_ADDRESS"])
    expect(await codeOf(library({ allowFile: true }).acquire(url, person))).toBeUndefined()
  })
})

describe("in Chromium", () => {
  let bundled: Bundled
  let close: () => Promise<void>
  /** The code that acquiring ends with in a page. */
  let ask: (url: string, options?: object) => Promise<string | undefined>

  beforeAll(async () => {
    bundled = await bundle({ page: "test/support/store-page.ts" })
    const served = await serveFolder(bundled.dir)
    const context = await launchChromium()
    const tab = await context.newPage()
    await tab.goto(served.url)
    await tab.waitForFunction("window.store")
    ask = (url, options = {}) =>
      tab.evaluate(
        ([u, o]) => (window as never as { store: { code(u: string, o: object): Promise<string> } }).store.code(u, o),
        [url, options] as const,
      )
    close = async () => {
      await context.close()
      await served.close()
      await bundled.remove()
    }
  })
  afterAll(() => close?.())

  test("literal private and loopback addresses are refused without a request", async () => {
    const url = server.serve("/m.onnx", { bytes: someBytes(100) })
    expect(await ask(url)).toBe("IPFA_MODEL_ADDRESS")
    for (const refused of [
      "https://169.254.169.254/m",
      "https://192.168.1.1/m",
      "https://[fe80::1]/m",
      "https://nas/m",
    ])
      expect(await ask(refused, { allowLoopback: true })).toBe("IPFA_MODEL_ADDRESS")
    expect(await ask("file:///etc/hostname")).toBe("IPFA_MODEL_SCHEME")
    expect(server.requests).toEqual([])
  })

  test("a server that does not let the page read is not read", async () => {
    const url = server.answer("/private", (_, response) => void response.writeHead(200).end("model"))
    expect(await ask(url, { allowLoopback: true })).toBe("IPFA_MODEL_FETCH")
    expect(server.requests.map(({ path }) => path)).toEqual(["/private"])
  })
})

describe("in the extension, which the browser lets read everything", () => {
  const models = "https://models.example.com"
  const site = "https://site.example.com"
  const cookies: (string | undefined)[] = []
  let host: PublicHost
  let browser: ExtensionBrowser
  let page: Page
  /** What the page's `load` ends with. */
  const load = (path: string): Promise<string> =>
    page.evaluate(
      (url) =>
        window.ipfsAccelerate.load(url, { device: "wasm" }).then(
          () => "loaded",
          (e: PageFault) => e.code,
        ),
      models + path,
    )

  beforeAll(async () => {
    const model = (readable?: string) => (request: IncomingMessage, response: ServerResponse) => {
      cookies.push(request.headers.cookie)
      if (readable) response.setHeader("access-control-allow-origin", readable)
      response.writeHead(200).end(digitsModel)
    }
    const redirect = (location: string) => (_: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(302, { location, "access-control-allow-origin": "*" }).end()
    const blank = readFileSync(join(pagesDir, "index.html"))
    host = await publicHost(
      "*.example.com",
      {
        "/": blank,
        "/cookie": (_, response) => {
          const cookie = "id=1; Secure; SameSite=None; Path=/"
          response.writeHead(200, { "content-type": "text/html", "set-cookie": cookie }).end(blank)
        },
        "/for-all.onnx": model("*"),
        "/for-none.onnx": model(),
        "/for-another.onnx": model("https://another.example.com"),
        "/for-this.onnx": model(site),
        "/private.onnx": digitsModel,
        "/to-loopback.onnx": redirect(server.serve("/loopback.onnx", { bytes: digitsModel })),
        "/to-private.onnx": redirect("https://10.1.2.3/private.onnx"),
        "/to-metadata.onnx": redirect("https://169.254.169.254/private.onnx"),
      },
      ["10.1.2.3", "169.254.169.254"],
    )
    browser = await launchExtension({ args: host.args })
    page = await browser.context.newPage()
    await page.goto(`${models}/cookie`)
    await page.goto(site)
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    // What the extension may not fetch, the page fetches itself, by its own rights: not here.
    await page.evaluate(() => {
      window.fetch = () => Promise.reject(new Error("not by the page"))
    })
  })
  afterAll(async () => {
    await browser?.close()
    await host?.close()
  })

  test.each(["none", "another", "this"])(
    "what its server lets %s read is not read: models are shared between sites",
    async (who) => {
      expect(await load(`/for-${who}.onnx`)).toBe("IPFA_MODEL_FETCH")
      expect(host.requests.get(`/for-${who}.onnx`)).toBe(1)
    },
  )

  test("what its server lets everyone read is asked for without the person's cookies", async () => {
    expect(await browser.context.cookies(models)).toMatchObject([{ name: "id", secure: true, sameSite: "None" }])
    cookies.length = 0
    expect(await load("/for-all.onnx")).toBe("loaded")
    expect(cookies).toEqual([undefined])
  })

  test("a redirect to this machine is refused, though a server there gives what everyone may read", async () => {
    expect(await load("/to-loopback.onnx")).toBe("IPFA_MODEL_FETCH")
    expect(server.requests.map(({ path }) => path)).toEqual(["/loopback.onnx"])
  })

  test.each(["private", "metadata"])("a redirect to a %s address is refused likewise", async (where) => {
    host.requests.clear()
    expect(await load(`/to-${where}.onnx`)).toBe("IPFA_MODEL_FETCH")
    expect(host.requests.get("/private.onnx")).toBe(1)
  })
})
