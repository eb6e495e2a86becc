import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { hugeNode } from "../attacks/hostile-models.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type PublicHost, publicHost } from "../support/public-host.ts"
import { type Served, serveFolder } from "../support/serve.ts"

const images = digits.samples.map(({ image }) => image)

interface Ran {
  logits: number[]
  device: string
  reruns: number
}

/** Loads the model in the page, and runs all images at once, `repeat` times over. */
function run(page: Page, model: string, device?: string, repeat = 1): Promise<Ran> {
  return page.evaluate(
    async ({ model, device, images, repeat }) => {
      const session = await window.ipfsAccelerate.load(model, { device })
      const n = images.length * repeat
      const data = new Float32Array(n * 64)
      for (let i = 0; i < n; i++) data.set(images[i % images.length] as number[], i * 64)
      const result = await session.run({ image: { dtype: "float32", shape: [n, 1, 8, 8], data } }, { transfer: true })
      await session.dispose()
      return { logits: [...result.outputs.logits.data], device: result.device, reruns: result.reruns }
    },
    { model, device, images, repeat },
  )
}

describe("a page runs a model in the extension's pool", () => {
  let browser: ExtensionBrowser
  let site: Served
  let models: PublicHost
  let expected: number[]
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
    models = await publicHost("models.example.com", { "/digits.onnx": digitsModel })
    browser = await launchExtension({ args: models.args })
    expected = await nativeLogits(images)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
    await models?.close()
  })
  const open = async (url = site.url, headers?: Record<string, string>) => {
    const served = headers
      ? await serveFolder(pagesDir, { headers, mounts: { "/models/": "models/digits" } })
      : undefined
    const page = await browser.context.newPage()
    if (served) page.once("close", () => void served.close())
    await page.goto(served?.url ?? url)
    return page
  }
  const granted = async (url?: string, headers?: Record<string, string>) => {
    const page = await open(url, headers)
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    return page
  }

  test.each(["webgpu", "wasm"])("on %s, with the numbers of onnxruntime-node", async (device) => {
    const page = await granted()
    const ran = await run(page, "/models/digits.onnx", device)
    expect(ran.device).toBe(device)
    expect(distance(ran.logits, expected)).toBeLessThan(digits.tolerance)
    expect(
      distance(
        ran.logits,
        digits.samples.flatMap(({ logits }) => logits),
      ),
    ).toBeLessThan(digits.tolerance)
    await page.close()
  })

  test("S13: a GPU is not given a node that would hold it for long: refused when the model is loaded, or at the run that feeds so much", async () => {
    const page = await granted()
    const ends = await page.evaluate(
      async ([fixed, open]) => {
        const code = (e: PageFault) => e.code
        const load = (bytes: number[]) => window.ipfsAccelerate.load(new Uint8Array(bytes), { device: "webgpu" })
        const session = await load(open as number[])
        const x = { dtype: "float32", shape: [1], data: new Float32Array(1) }
        const image = { dtype: "float32", shape: [1, 1, 4096, 4096], data: new Float32Array(4096 * 4096) }
        return [await load(fixed as number[]).catch(code), await session.run({ x, image }).catch(code)]
      },
      [[...hugeNode()], [...hugeNode("side")]],
    )
    expect(ends).toEqual(["IPFA_DEVICE_UNSUPPORTED", "IPFA_DEVICE_UNSUPPORTED"])
    await page.close()
  })

  test("the wasm device has threads: the offscreen document is cross-origin isolated", async () => {
    const page = await granted()
    const { devices } = await page.evaluate(() => window.ipfsAccelerate.hardware())
    const wasm = devices.find(({ id }: { id: string }) => id === "wasm")
    expect(wasm).toMatchObject({ threads: expect.any(Number), probe: { ok: true } })
    expect(wasm.threads).toBeGreaterThan(1)
    await page.close()
  })

  test("a device that is not there is refused by name, and no other stands in", async () => {
    const page = await granted()
    const fault = await page.evaluate(() =>
      window.ipfsAccelerate
        .load("/models/digits.onnx", { device: "webnn:npu" })
        .catch(({ code, data }: PageFault & { data: unknown }) => ({ code, data })),
    )
    expect(fault).toMatchObject({ code: "IPFA_DEVICE_ABSENT" })
    await page.close()
  })

  test("two origins that were granted the same model share one copy and one session", async () => {
    const reference = `${models.url}/digits.onnx`
    const first = await granted()
    const second = await granted(site.url.replace("localhost", "127.0.0.1"))
    const load = (page: Page) =>
      page.evaluate(async (model) => {
        const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
        const { jobs } = await window.ipfsAccelerate.status()
        return { stored: session.stored, jobs, device: session.device.id }
      }, reference)
    expect(await load(first)).toMatchObject({ stored: false, device: "wasm" })
    expect(await load(second)).toMatchObject({ stored: true, device: "wasm" })
    expect(models.requests.get("/digits.onnx")).toBe(1)
    const options = await browser.openOwn("options.html")
    const loaded = options.getByTestId("session").filter({ has: options.getByTitle(reference) })
    await loaded.waitFor()
    expect(await loaded.count()).toBe(1)
    expect(await loaded.getAttribute("data-leases")).toBe("2")
    expect(distance((await run(second, reference, "wasm")).logits, expected)).toBeLessThan(digits.tolerance)
    // A page that goes gives its session back.
    await first.close()
    await expect.poll(() => loaded.getAttribute("data-leases")).toBe("1")
    await second.close()
    await options.close()
  })

  test("S9: what one origin uploaded can't be named by another", async () => {
    const first = await granted()
    const second = await granted(site.url.replace("localhost", "127.0.0.1"))
    const bytes = [...digitsModel]
    // Bytes that no other test stores: ONNX ignores an unknown field at the end.
    bytes.push(0x9a, 0x06, 0x01, 0x07)
    const reference = await first.evaluate(
      async (bytes) => (await window.ipfsAccelerate.load(new Uint8Array(bytes), { device: "wasm" })).model.reference,
      bytes,
    )
    expect(reference).toMatch(/^sha256:/)
    const codeFor = (page: Page, model: string) =>
      page.evaluate(
        (m) =>
          window.ipfsAccelerate.load(m).then(
            () => "loaded",
            (e: PageFault) => e.code,
          ),
        model,
      )
    expect(await codeFor(first, reference)).toBe("loaded")
    expect(await codeFor(second, reference)).toBe("IPFA_MODEL_NOT_FOUND")
    expect(await codeFor(second, `sha256:${"0".repeat(64)}`)).toBe("IPFA_MODEL_NOT_FOUND")
    await first.close()
    await second.close()
  })

  test.each([
    [
      "cross-origin isolated",
      { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
    ],
    ["with COEP alone", { "Cross-Origin-Embedder-Policy": "credentialless" }],
    [
      "with the strictest CSP",
      { "Content-Security-Policy": "default-src 'none'; connect-src 'self'; require-trusted-types-for 'script'" },
    ],
    ["that lets no frame in", { "Content-Security-Policy": "frame-src 'none'", "X-Frame-Options": "DENY" }],
  ])("in a page %s", async (_, headers) => {
    const page = await granted(undefined, headers)
    const ran = await run(page, "/models/digits.onnx", "wasm")
    expect(distance(ran.logits, expected)).toBeLessThan(digits.tolerance)
    await page.close()
  })

  test("in a page whose frames vanish, by an extension port, large tensors too", async () => {
    const page = await open()
    await page.evaluate(() => {
      new MutationObserver(() => {
        for (const frame of document.querySelectorAll("ipfs-accelerate")) frame.remove()
      }).observe(document, { childList: true, subtree: true })
    })
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    // 40,000 images: 10 MB in, more than goes in one message.
    const ran = await run(page, "/models/digits.onnx", "wasm", 2000)
    expect(distance(ran.logits.slice(-expected.length), expected)).toBeLessThan(digits.tolerance)
    expect(ran.logits).toHaveLength(expected.length * 2000)
    await page.close()
  })

  test("outputs that were kept on the device are named, not sent, and gone once they are given back", async () => {
    const page = await granted()
    const back = await page.evaluate(async (image) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wasm" })
      const feeds = { image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
      const { outputs } = await session.run(feeds, { keep: ["logits"] })
      const kept = outputs.logits
      await kept.dispose()
      const code = await session.run({ image: kept }).then(
        () => undefined,
        (e: PageFault) => e.code,
      )
      return { dtype: kept.dtype, shape: kept.shape, isKept: typeof kept.kept, hasData: "data" in kept, code }
    }, images[0] as number[])
    expect(back).toEqual({
      dtype: "float32",
      shape: [1, 10],
      isKept: "string",
      hasData: false,
      code: "IPFA_SESSION_KEPT",
    })
    await page.close()
  })

  test("with accelerate alone, from an image", async () => {
    const page = await granted()
    const { image, label } = digits.samples[5]!
    const logits = await page.evaluate(async (image) => {
      const pixels = new ImageData(8, 8)
      for (const [i, ink] of image.entries()) pixels.data.set([ink * 15, ink * 15, ink * 15, 255], 4 * i)
      const request = {
        modelId: "/models/digits.onnx",
        input: await createImageBitmap(pixels),
        options: { image: { scale: 1 / 15 } },
      }
      const { outputs } = await window.ipfsAccelerate.accelerate(request)
      return [...outputs.logits.data]
    }, image)
    expect(argMax(logits)).toBe(label)
    await page.close()
  })

  test("what is stored is listed on the options page, and deleted there", async () => {
    const page = await granted()
    await run(page, `${models.url}/digits.onnx`, "wasm")
    const options = await browser.openOwn("options.html")
    const row = options.getByTestId("model").filter({ hasText: `${models.url}/digits.onnx` })
    await row.getByTestId("delete-model").click()
    await row.waitFor({ state: "detached" })
    const fetched = models.requests.get("/digits.onnx") as number
    const { logits } = await run(page, `${models.url}/digits.onnx`, "wasm")
    expect(distance(logits, expected)).toBeLessThan(digits.tolerance)
    expect(models.requests.get("/digits.onnx")).toBeGreaterThan(fetched)
    await options.close()
    await page.close()
  })

  test.each([
    ["published", () => `${models.url}/digits.onnx`],
    ["the page's own, which it brings", () => "/models/digits.onnx"],
  ])("a benchmark of a model that is %s, where that was granted", async (_, model) => {
    const page = await open()
    await browser.enable(page, "session", { capabilities: ["infer", "benchmark"] })
    const { rows } = await page.evaluate(
      ([model, image]) =>
        window.ipfsAccelerate.benchmark({
          model,
          devices: ["wasm"],
          samples: 5,
          warmup: 1,
          feeds: { image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image as number[]) } },
        }),
      [model(), images[0]] as const,
    )
    expect(rows).toMatchObject([{ device: { id: "wasm" }, n: 5 }])
    expect(rows[0].p50Ms).toBeGreaterThan(0)
    await page.close()
  })
})

function argMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values))
}
