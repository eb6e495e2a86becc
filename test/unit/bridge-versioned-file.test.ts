import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { AgentTokens } from "../../bridge-server/access/agent-tokens.ts"
import { createLog } from "../../bridge-server/log.ts"
import { startBridge } from "../../bridge-server/server.ts"
import { VersionedFile } from "../../bridge-server/versioned-file.ts"
import { AccelerateError } from "../../protocol/index.ts"
import { dial } from "../support/bridge.ts"
import { previousVersion } from "../support/previous/index.ts"

const options = { native: false, log: createLog("silent") }

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "ipfa versioned "))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const at = (name: string) => path.join(dir, name)
const text = (name: string) => readFileSync(at(name), "utf8")
const fault = (work: () => unknown) => {
  try {
    return work()
  } catch (error) {
    return error instanceof AccelerateError ? { code: error.code, data: error.data } : error
  }
}

test("agents and names that the previous version wrote are brought along, and a copy of each is kept", async () => {
  const { startBridge: startPrevious } = await previousVersion()
  const before = await startPrevious({ ...options, dataDir: dir })
  const pairing = await dial(`${before.ws}/agent`)
  const { token } = await pairing.call("agent.pair", { code: before.pairingCode().code, agent: "laptop" })
  pairing.close()
  before.router.parts.models.aliases.add("version", "sha256:abc")
  await before.close()
  const written = ["agents.json", "aliases.json"].map(text)

  const bridge = await startBridge({ ...options, dataDir: dir })
  expect(bridge.router.parts.models.aliases.resolve("version")).toBe("sha256:abc")
  const returned = await dial(`${bridge.ws}/agent`, { protocols: ["ipfa.v1", `ipfa.token.${token}`] })
  expect(await returned.ready).toBe(true)
  returned.close()
  await bridge.close()

  expect(["agents.json.v0", "aliases.json.v0"].map(text)).toEqual(written)
  expect(statSync(at("agents.json.v0")).mode & 0o777).toBe(0o600)
  expect(["agents.json", "aliases.json"].map((name) => JSON.parse(text(name)))).toMatchObject([
    { version: 1, agents: [{ agent: "laptop" }] },
    { version: 1, aliases: { version: "sha256:abc" } },
  ])
  expect(new AgentTokens(at("agents.json")).find(token, undefined)).toMatchObject({ agent: "laptop" })
})

test.each(["agents.json", "aliases.json"])(
  "a newer %s is refused with that code, is not changed, and the folder is free again",
  async (name) => {
    const newer = '{"version":2,"inAnotherWay":[]}'
    writeFileSync(at(name), newer)
    await expect(startBridge({ ...options, dataDir: dir })).rejects.toMatchObject({
      code: "IPFA_STORE_NEWER",
      data: { file: at(name), found: 2, here: 1 },
    })
    expect(text(name)).toBe(newer)
    expect(existsSync(at(`${name}.v2`))).toBe(false)
    await rm(at(name))
    await (await startBridge({ ...options, dataDir: dir })).close()
  },
)

test("a file goes through the steps that it lacks, in their order", () => {
  const steps = [
    (names: object) => ({ names }),
    (before: object) => ({ ...before, second: 2 }),
    (before: object) => ({ ...before, third: 3 }),
  ]
  const open = (version: number) => new VersionedFile<object>(at("file.json"), steps.slice(0, version))
  writeFileSync(at("file.json"), '{"a":"b"}')
  expect(open(2).read()).toEqual({ names: { a: "b" }, second: 2 })
  const second = text("file.json")
  expect(open(3).read()).toEqual({ names: { a: "b" }, second: 2, third: 3 })
  expect(text("file.json.v2")).toBe(second)
  expect(fault(() => open(2).read())).toEqual({
    code: "IPFA_STORE_NEWER",
    data: { file: at("file.json"), found: 3, here: 2 },
  })
  expect(open(3).read()).toEqual({ names: { a: "b" }, second: 2, third: 3 })
  expect(readdirSync(dir).sort()).toEqual(["file.json", "file.json.v0", "file.json.v2"])
})

test("where there is no file there is nothing, and reading makes none", () => {
  expect(new VersionedFile(at("file.json"), []).read()).toBeUndefined()
  expect(readdirSync(dir)).toEqual([])
})

test("a migration that fails leaves the file as it was", () => {
  writeFileSync(at("file.json"), "[1]")
  const failing = () => {
    throw new Error("nonsense")
  }
  expect(fault(() => new VersionedFile(at("file.json"), [failing]).read())).toMatchObject({ message: "nonsense" })
  expect(text("file.json")).toBe("[1]")
})
