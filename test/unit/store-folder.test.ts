import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { folderStore } from "../../engine/store/folder.ts"
import { nodeLibrary } from "../../engine/store/node.ts"
import { type ModelServer, modelServer } from "../support/model-server.ts"
import { codeOf, milestones, sha256, someBytes } from "../support/store-cases.ts"

const bridge = { owner: "bridge" }
const person = { owner: "owner" }

let server: ModelServer
let dir: string
const children = new Set<ChildProcess>()
beforeAll(async () => {
  server = await modelServer()
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ipfa folder "))
  server.requests.length = 0
})
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL")
  children.clear()
  await rm(dir, { recursive: true, force: true })
})
afterAll(() => server.close())

/** Another process that acquires `url` in the same folder, where no file may grow beyond `mostKib`; `lines` is what it prints. */
function acquireElsewhere(url: string, mostKib: number | "unlimited" = "unlimited") {
  const script = join(import.meta.dirname, "../support/store-child.ts")
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", script, dir, url]
  const child = spawn("bash", ["-c", `ulimit -f ${mostKib} && exec "$@"`, "bash", ...node], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  children.add(child)
  return { child, lines: createInterface({ input: child.stdout }) }
}

const gated = (path: string, bytes: Uint8Array, after: number) => {
  const gate = Promise.withResolvers<void>()
  const url = server.serve(path, { bytes, etag: '"1"', gate: { after, opened: gate.promise } })
  return { url, open: gate.resolve }
}

test("a download whose process was killed goes on in another one", async () => {
  const bytes = someBytes(600_000)
  const { url, open } = gated("/killed.onnx", bytes, 400_000)
  const { child, lines } = acquireElsewhere(url)
  for await (const line of lines) if (JSON.parse(line).loaded === 400_000) break
  child.kill("SIGKILL")
  await once(child, "exit")
  open()
  const model = await nodeLibrary({ dir, allowLoopback: true }).acquire(url, bridge)
  expect(sha256(await model.read())).toBe(sha256(bytes))
  expect(server.requests.map((r) => r.headers.range)).toEqual([undefined, "bytes=400000-"])
  expect(await readdir(join(dir, "partials"))).toEqual([])
})

test("two processes that want the same model at once both get it, and one copy stays", async () => {
  const bytes = someBytes(600_000)
  const { url, open } = gated("/both.onnx", bytes, 400_000)
  const { child, lines } = acquireElsewhere(url)
  // All that it printed has come then; when it exits it may still be on its way.
  const closed = once(child, "close")
  const results: unknown[] = []
  const reached = Promise.withResolvers<void>()
  lines.on("line", (line) => {
    const value = JSON.parse(line)
    if (value.loaded === 400_000) reached.resolve()
    if (value.sha256) results.push(value)
  })
  await reached.promise
  const { at, onProgress } = milestones()
  const here = nodeLibrary({ dir, allowLoopback: true }).acquire(url, bridge, { onProgress })
  // What a living process writes is not taken from it.
  await at(400_000)
  open()
  expect((await here).sha256).toBe(sha256(bytes))
  await closed
  expect(results).toEqual([{ sha256: sha256(bytes), stored: false, read: bytes.byteLength }])
  expect(server.requests.map((r) => r.headers.range)).toEqual([undefined, undefined])
  expect(await readdir(join(dir, "blobs"))).toEqual([sha256(bytes)])
  expect(await readdir(join(dir, "partials"))).toEqual([])
})

test("where the disk takes no more, a model is refused with that code, nothing of it stays, nothing else is lost, and it is had once there is room", async () => {
  const small = server.serve("/small.onnx", { bytes: someBytes(1000, 2), etag: '"1"' })
  const bytes = someBytes(600_000)
  const url = server.serve("/large.onnx", { bytes, etag: '"1"' })
  const ended = async (url: string, mostKib?: number) => {
    let last = ""
    for await (const line of acquireElsewhere(url, mostKib).lines) last = line
    return JSON.parse(last)
  }
  expect(await ended(small, 300)).toMatchObject({ read: 1000 })
  expect(await ended(url, 300)).toEqual({ code: "IPFA_STORE_QUOTA" })
  expect(await readdir(join(dir, "blobs"))).toEqual([sha256(someBytes(1000, 2))])
  expect(await readdir(join(dir, "partials"))).toEqual([])
  expect(await ended(small, 300)).toMatchObject({ read: 1000, stored: true })
  expect(await ended(url)).toMatchObject({ sha256: sha256(bytes), stored: false, read: 600_000 })
})

test("only one of two takes over what a dead process left", async () => {
  const store = await folderStore(dir)
  const first = await store.openPartial("key")
  await first.append(someBytes(100))
  await first.release()
  const [a, b] = await Promise.all([store.openPartial("key"), (await folderStore(dir)).openPartial("key")])
  expect([a.size, b.size].sort((x, y) => x - y)).toEqual([0, 100])
  await Promise.all([a.discard(), b.discard()])
})

test("a model's file is given by path, whole, and for its owner alone to read", async () => {
  const bytes = someBytes(1000)
  const model = await nodeLibrary({ dir, allowLoopback: true }).acquire(server.serve("/p.onnx", { bytes }), bridge)
  expect(sha256(await readFile(model.path as string))).toBe(sha256(bytes))
  expect((await stat(model.path as string)).mode & 0o077).toBe(0)
  expect((await stat(join(dir, "blobs"))).mode & 0o077).toBe(0)
})

test("a file is loaded for the person's own programs only, and anew when it changed", async () => {
  const path = join(dir, "a model.onnx")
  const url = pathToFileURL(path).href
  const models = nodeLibrary({ dir: join(dir, "store"), allowFile: true })
  expect(await codeOf(models.acquire(url, person))).toBe("IPFA_MODEL_NOT_FOUND")
  await writeFile(path, someBytes(1000, 1))
  expect(await models.acquire(url, person)).toMatchObject({ stored: false, sha256: sha256(someBytes(1000, 1)) })
  expect((await models.acquire(url, person)).stored).toBe(true)
  await writeFile(path, someBytes(1001, 2))
  expect(await models.acquire(url, person)).toMatchObject({ stored: false, sha256: sha256(someBytes(1001, 2)) })
  const pinned = `${url}#sha256=${sha256(someBytes(1000, 1))}`
  expect(await codeOf(models.acquire(pinned, person))).toBe("IPFA_MODEL_DIGEST")
  expect(await codeOf(models.acquire(pathToFileURL(dir).href, person))).toBe("IPFA_MODEL_NOT_FOUND")
})
