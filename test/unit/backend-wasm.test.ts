import { expect, test } from "vitest"
import { whyAlone } from "../../engine/backends/wasm.ts"

test.each([
  [{ crossOriginIsolated: true, SharedArrayBuffer }, undefined],
  [{ crossOriginIsolated: true }, "no SharedArrayBuffer"],
  [{ crossOriginIsolated: false, SharedArrayBuffer }, "not cross-origin isolated"],
  [{}, "not cross-origin isolated"],
])("in a scope with %o, what keeps the wasm device to one thread is %s", (scope, why) => {
  expect(whyAlone(scope)).toBe(why)
})
