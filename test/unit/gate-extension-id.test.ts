import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import { EXTENSION_ID, EXTENSION_KEY } from "../../extension/id.ts"

test("the extension's id is the one Chromium derives from its key", () => {
  const digest = createHash("sha256").update(Buffer.from(EXTENSION_KEY, "base64")).digest("hex")
  const letters = [...digest.slice(0, 32)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)))
  expect(EXTENSION_ID).toBe(letters.join(""))
})
