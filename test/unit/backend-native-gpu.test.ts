import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { hasGpuNode } from "../../engine/backends/native.ts"

test.skipIf(process.platform !== "linux")(
  "a GPU is seen by its render node, whatever its number, or by its driver's own node; a display alone is none",
  () => {
    const dev = mkdtempSync(path.join(tmpdir(), "ipfa dev "))
    const has = (...nodes: string[]) => {
      for (const node of nodes) {
        mkdirSync(path.join(dev, path.dirname(node)), { recursive: true })
        writeFileSync(path.join(dev, node), "")
      }
      const seen = hasGpuNode(dev)
      for (const node of nodes) rmSync(path.join(dev, node))
      return seen
    }
    try {
      expect([has(), has("dri/card0")]).toEqual([false, false])
      expect([has("dri/renderD128"), has("dri/renderD129"), has("nvidia0"), has("dxg")]).toEqual([
        true,
        true,
        true,
        true,
      ])
    } finally {
      rmSync(dev, { recursive: true })
    }
  },
)
