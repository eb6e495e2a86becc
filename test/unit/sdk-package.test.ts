import { execFile } from "node:child_process"
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import type { BrowserContext } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ensurePackage } from "../../scripts/build-packages.ts"
import { launchChromium } from "../support/chromium.ts"
import { manifest, packagesImported } from "../support/packed.ts"
import { type Served, serveFolder } from "../support/serve.ts"

const repository = join(import.meta.dirname, "../..")
const run = promisify(execFile)
const { samples } = JSON.parse(readFileSync(join(repository, "models/digits/samples.json"), "utf8"))

/** An empty folder into which the packed SDK was installed, as a user would. */
let dir: string
let packed: string[]
beforeAll(async () => {
  await ensurePackage("sdk")
  dir = await mkdtemp(join(tmpdir(), "ipfa package "))
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", dir], { cwd: join(repository, "sdk") })
  const [{ filename, files }] = JSON.parse(stdout)
  packed = files.map((file: { path: string }) => file.path)
  writeFileSync(join(dir, "package.json"), JSON.stringify({ private: true, type: "module" }))
  // Offline: it needs nothing but itself.
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], { cwd: dir })
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const evaluate = async (code: string) =>
  JSON.parse((await run(process.execPath, ["--input-type=module", "--eval", code], { cwd: dir })).stdout)

describe("the packed SDK", () => {
  test("holds what it needs and nothing else, and brings no other package", async () => {
    expect(packed).toEqual(expect.arrayContaining(["package.json", "README.md", "dist/index.js", "dist/worker.js"]))
    expect(packed.filter((file) => !/^(package\.json|README\.md|LICENSE|dist\/)/.test(file))).toEqual([])
    expect(packed.filter((file) => /\.ts$/.test(file) && !file.endsWith(".d.ts"))).toEqual([])
    expect((await readdir(join(dir, "node_modules"))).filter((name) => !name.startsWith("."))).toEqual([
      "ipfs-accelerate",
    ])
  })

  test("can be imported in Node, and its entries share their classes", async () => {
    const found = await evaluate(`
      import * as sdk from "ipfs-accelerate"
      import { createHardwareAbstraction } from "ipfs-accelerate/hardware"
      import { GpuTensor } from "ipfs-accelerate/kernels"
      const error = await createHardwareAbstraction().catch((e) => e)
      const version = (await import("ipfs-accelerate/package.json", { with: { type: "json" } })).default.version
      console.log(JSON.stringify({
        exports: Object.keys(sdk).sort(),
        same: error instanceof sdk.AccelerateError,
        code: error.code,
        version: sdk.VERSION === version,
        kernels: typeof GpuTensor,
      }))`)
    expect(found).toEqual({
      exports: [
        "AccelerateError",
        "PROTOCOL_VERSION",
        "VERSION",
        "connect",
        "createAccelerator",
        "inPageAccelerator",
        "numbers",
        "tensor",
      ],
      same: true,
      code: "IPFA_EXTENSION_ABSENT",
      version: true,
      kernels: "function",
    })
  })

  test.each(["nodenext", "bundler"])("has types that infer a session's feeds (%s)", async (moduleResolution) => {
    copyFileSync(join(repository, "test/support/package-sample/sample.ts"), join(dir, "sample.ts"))
    const compilerOptions = {
      target: "esnext",
      module: moduleResolution === "nodenext" ? "nodenext" : "esnext",
      moduleResolution,
      strict: true,
      noEmit: true,
      noUncheckedIndexedAccess: true,
      // Of the package's own declarations too.
      skipLibCheck: false,
      types: [],
    }
    writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["sample.ts"] }))
    const tsc = join(repository, "node_modules/typescript/bin/tsc")
    const { stdout } = await run(process.execPath, [tsc, "-p", "."], { cwd: dir }).catch((error) => error)
    expect(stdout).toBe("")
  })

  test("is bundled for a page without anything of Node's", async () => {
    writeFileSync(join(dir, "page.js"), 'import * as sdk from "ipfs-accelerate"; window.sdk = sdk')
    const { metafile, outputFiles } = await build({
      absWorkingDir: dir,
      entryPoints: ["page.js"],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
      outdir: "out",
      splitting: true,
      metafile: true,
      minify: true,
    })
    const outputs = Object.entries(metafile.outputs)
    expect(outputs.flatMap(([, output]) => output.imports).filter((i) => i.external)).toEqual([])
    // What is loaded before the engine is asked for stays small.
    const [entry] = outputs.find(([, output]) => output.entryPoint === "page.js") as [string, unknown]
    const eager = new Set([entry])
    for (const file of eager)
      for (const { kind, path } of metafile.outputs[file]?.imports ?? [])
        if (kind === "import-statement") eager.add(path)
    const text = outputFiles.filter(({ path }) => eager.has(relative(dir, path))).map(({ text }) => text)
    expect(text).toHaveLength(eager.size)
    expect(gzipSync(text.join("")).byteLength).toBeLessThan(9500)
  })

  test("imports nothing but itself, and what it asks for by peerDependencies", async () => {
    const folder = join(dir, "node_modules/ipfs-accelerate")
    const asked = Object.keys(manifest(folder).peerDependencies)
    const imported = await packagesImported(join(folder, "dist"))
    expect(imported).toEqual(expect.arrayContaining(["react", "ws"]))
    expect(imported.filter((name) => !asked.includes(name))).toEqual([])
  })

  describe("in a plain page", () => {
    let served: Served
    let context: BrowserContext
    beforeAll(async () => {
      mkdirSync(join(dir, "examples"))
      mkdirSync(join(dir, "sdk"))
      symlinkSync(join(dir, "node_modules/ipfs-accelerate/dist"), join(dir, "sdk/dist"))
      served = await serveFolder(dir, {
        mounts: {
          "/models/": join(repository, "models"),
          "/node_modules/onnxruntime-web/": join(repository, "node_modules/onnxruntime-web"),
        },
      })
      context = await launchChromium()
    })
    afterAll(async () => {
      await context?.close()
      await served?.close()
    })

    test("runs a model, from its files as they are", async () => {
      copyFileSync(join(repository, "examples/page.html"), join(dir, "examples/page.html"))
      const page = await context.newPage()
      await page.goto(`${served.url}/examples/page.html`)
      await page.evaluate((image: number[]) => {
        const pen = (document.getElementById("pad") as HTMLCanvasElement).getContext("2d")!
        const pixels = pen.createImageData(8, 8)
        for (const [i, value] of image.entries()) pixels.data.fill(Math.round(value * 15.9375), 4 * i, 4 * i + 3)
        for (let i = 3; i < 256; i += 4) pixels.data[i] = 255
        pen.putImageData(pixels, 0, 0)
      }, samples[7].image)
      await page.waitForFunction(() => (document.getElementById("read") as HTMLButtonElement).onclick)
      await page.click("#read")
      await expect
        .poll(() => page.textContent("#answer"), { timeout: 50_000 })
        .toMatch(new RegExp(`^${samples[7].label}, by (webgpu|wasm) \\(page\\)$`))
    })

    test("gives a React component a session, which runs", async () => {
      copyFileSync(join(repository, "test/support/package-sample/page.js"), join(dir, "react-page.js"))
      writeFileSync(
        join(dir, "react.html"),
        '<!doctype html><body></body><script type="module" src="/react/react-page.js"></script>',
      )
      await build({
        absWorkingDir: dir,
        entryPoints: ["react-page.js"],
        bundle: true,
        format: "esm",
        platform: "browser",
        splitting: true,
        outdir: "react",
        // React, which is the user's own.
        nodePaths: [join(repository, "node_modules")],
        define: { "process.env.NODE_ENV": '"production"' },
      })
      const page = await context.newPage()
      await page.goto(`${served.url}/react.html?image=${samples[3].image}`)
      await expect
        .poll(() => page.textContent("output"), { timeout: 50_000 })
        .toBe(`${samples[3].label}, by wasm (page)`)
    })
  })
})
