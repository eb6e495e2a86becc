import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { isSnap } from "../../bridge-server/browsers.ts"
import { openSnapOr } from "../../scripts/start/snap.ts"

let home: string
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "ipfa snap "))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(home, { recursive: true })
})

function file(name: string, text: string): string {
  const at = path.join(home, name)
  mkdirSync(path.dirname(at), { recursive: true })
  writeFileSync(at, text, { mode: 0o755 })
  return at
}
/** As Ubuntu's `/usr/bin/firefox` is. */
const script = () => file("firefox", '#!/bin/sh\nexec /snap/bin/firefox "$@"\n')
const own = () => file("chromium", '#!/bin/sh\nexec /usr/lib/chromium/chromium "$@"\n')

describe.skipIf(process.platform === "win32")("a browser that is a snap", () => {
  test("is known by the link or the script that starts it", () => {
    const link = path.join(home, "link")
    symlinkSync(file("usr/bin/snap", "a program"), link)
    expect([link, script(), own()].map(isSnap)).toEqual([true, true, false])
  })

  test("and does not start gives way to another, which is said; one that starts does not", async () => {
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const failing = vi.fn(async (binary: string) => {
      if (binary !== "other") throw new Error("it ended at once")
      return binary
    })
    expect(
      await openSnapOr(
        script(),
        async (binary) => binary,
        () => "other",
      ),
    ).toBe(script())
    expect(stderr).not.toHaveBeenCalled()
    expect(await openSnapOr(script(), failing, () => "other")).toBe("other")
    expect(stderr.mock.calls.join("")).toMatch(/firefox is a snap, which can't read hidden folders .*: other is opened/)
  })

  test("is named where there is no other; a browser that is none fails by what it said", async () => {
    const failing = vi.fn(() => Promise.reject(new Error("it ended at once")))
    await expect(openSnapOr(script(), failing, () => undefined)).rejects.toThrow(/firefox is a snap, .* --data /)
    await expect(openSnapOr(own(), failing, () => "other")).rejects.toThrow("it ended at once")
    expect(failing).toHaveBeenCalledTimes(2)
  })
})
