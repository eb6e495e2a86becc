import { createHash, createHmac } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, test } from "vitest"
import { bridgeProof } from "../../bridge-server/access/proof.ts"
import { bridgeProves, dataFolder } from "../../protocol/index.ts"
import { parseOptions } from "../../scripts/start/options.ts"
import { refusal } from "../support/pool.ts"

test.each([
  ["linux", {}, "/home/a", "/home/a/.local/share/ipfs-accelerate"],
  ["linux", { XDG_DATA_HOME: "/data" }, "/home/a", "/data/ipfs-accelerate"],
  ["freebsd", {}, "/home/a", "/home/a/.local/share/ipfs-accelerate"],
  ["darwin", { XDG_DATA_HOME: "/data" }, "/Users/a", "/Users/a/Library/Application Support/ipfs-accelerate"],
  ["win32", { LOCALAPPDATA: "D:\\Local" }, "C:\\Users\\a", "D:\\Local\\ipfs-accelerate\\Data"],
  ["win32", {}, "C:\\Users\\a", "C:\\Users\\a\\AppData\\Local\\ipfs-accelerate\\Data"],
  ["linux", { IPFA_DATA: "/mine", XDG_DATA_HOME: "/data" }, "/home/a", "/mine"],
  ["linux", { IPFA_DATA: "" }, "/home/a", "/home/a/.local/share/ipfs-accelerate"],
] as const)("on %s with %j in %s the data folder is %s", (platform, env, home, folder) => {
  expect(dataFolder({ platform, env, home })).toBe(folder)
})

test("npm start keeps its data where all other commands look for it", () => {
  const { IPFA_DATA } = process.env
  process.env.IPFA_DATA = "/mine"
  expect(parseOptions([])).toMatchObject({ dataDir: "/mine" })
  expect(parseOptions(["--data", "/other"])).toMatchObject({ dataDir: "/other" })
  if (IPFA_DATA === undefined) delete process.env.IPFA_DATA
  else process.env.IPFA_DATA = IPFA_DATA
})

const key = (token: string) => createHash("sha256").update(token).digest()
/** As docs/bridge.md has it, by other means. */
const documented = (token: string, nonce: string, host: string) =>
  createHmac("sha256", key(token)).update(`ipfa-bridge-proof\n${nonce}\n${host}`).digest("hex")

test("the proof is what docs/bridge.md says, whatever the case of the host", () => {
  expect(bridgeProof(key("t"), "nonce", "LocalHost:1")).toBe(documented("t", "nonce", "localhost:1"))
})

test("only who knows the token, and was asked at this very address with this nonce, holds a proof", async () => {
  let answer: (nonce: string) => unknown = () => undefined
  const server = createServer(({ url }, response) => {
    const query = new URL(url!, "http://bridge").searchParams
    response.end(JSON.stringify({ proof: answer(`${query.get("nonce")}${query.get("agent") ?? ""}`) }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = (agent?: string) =>
    bridgeProves(`http://${host}`, "t", { signal: AbortSignal.timeout(5000), ...(agent && { agent }) })
  answer = (nonce) => documented("t", nonce, host)
  expect(await ask()).toBe(true)
  answer = (nonce) => documented("t", nonce.slice(0, 32), host)
  expect(await ask("laptop")).toBe(true)
  for (const wrong of [
    (nonce: string) => documented("u", nonce, host),
    (nonce: string) => documented("t", nonce, "127.0.0.1:1"),
    () => documented("t", "0".repeat(32), host),
    (nonce: string) => documented("t", nonce, host).slice(0, 62),
    () => "",
    () => 7,
    () => undefined,
  ]) {
    answer = wrong
    expect(await ask()).toBe(false)
  }
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect(await refusal(ask())).toBe("IPFA_BRIDGE_UNREACHABLE")
})
