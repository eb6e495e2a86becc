import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"

test("graph/generated is what graph/onnx.proto gives", () => {
  const root = join(import.meta.dirname, "../..")
  const check = () =>
    execFileSync(process.execPath, ["scripts/generate-onnx.ts", "--check"], { cwd: root, stdio: "pipe" })
  expect(check).not.toThrow()
})
