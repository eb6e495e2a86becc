import { timingSafeEqual } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, expect, test, vi } from "vitest"
import { AgentTokens } from "../../bridge-server/access/agent-tokens.ts"
import { Pairing } from "../../bridge-server/access/pairing.ts"
import { hashToken, tokenMatches } from "../../bridge-server/access/token.ts"

// The real one, watched: no measurement of time on a busy machine would show what it is for.
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>()
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) }
})
afterEach(() => vi.mocked(timingSafeEqual).mockClear())

/** How often was compared; each time two hashes, whatever the lengths of what they were made of. */
function compared(): number {
  const { calls } = vi.mocked(timingSafeEqual).mock
  for (const pair of calls) expect(pair.map(({ byteLength }) => byteLength)).toEqual([32, 32])
  return calls.length
}

test("a token of any length is compared as a hash, in constant time", () => {
  const token = "tZ8gYwYyq1x0vJ5m"
  const wrong = ["", "t", "tZ8gYwYyq1x0vJ5n", "xZ8gYwYyq1x0vJ5m", `${token}A`, "x".repeat(512)]
  for (const given of wrong) expect(tokenMatches(given, hashToken(token))).toBe(false)
  expect(tokenMatches(token, hashToken(token))).toBe(true)
  expect(compared()).toBe(wrong.length + 1)
})

test("an agent's token is compared with every one there is, whichever it is, and a code too", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "ipfa tokens "))
  try {
    const tokens = new AgentTokens(path.join(dir, "agents.json"))
    const issued = ["a", "b", "c"].map((agent) => tokens.issue(agent, "agent", {}))
    for (const token of [...issued, "none of them"]) tokens.find(token, undefined)
    expect(compared()).toBe(4 * 3)
  } finally {
    rmSync(dir, { recursive: true })
  }
  vi.mocked(timingSafeEqual).mockClear()
  const pairing = new Pairing()
  const codes = ["agent", "agent", "agent"].map((use) => pairing.create(use as "agent").code)
  pairing.redeem(codes[0] as string, "agent", { address: "127.0.0.1" })
  expect(compared()).toBe(3)
})
