import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { nativeHostIsThere } from "../../extension/background/native-host.ts"
import { runtimePorts } from "../protocol/runtime-ports.ts"

/** The program's end of the connection that the browser makes. */
const { connectNative } = vi.hoisted(() => {
  const connectNative = vi.fn()
  Object.assign(globalThis, { chrome: { runtime: { connectNative } } })
  return { connectNative }
})

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))
afterEach(() => void vi.useRealTimers())

function started() {
  const [here, program] = runtimePorts("json")
  connectNative.mockReturnValueOnce(here)
  const left = new Promise<void>((resolve) => program.onDisconnect.addListener(resolve))
  return { program, left, answer: nativeHostIsThere() }
}

test("a native host that says hello is there, and is let go", async () => {
  const { program, left, answer } = started()
  program.postMessage({ kind: "hello" })
  expect(await answer).toBe(true)
  await left
  expect(vi.getTimerCount()).toBe(0)
})

test("one that ends without a word is not there", async () => {
  const { program, answer } = started()
  program.disconnect()
  expect(await answer).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
})

test("one that says nothing is not waited for longer than half a minute, and is let go", async () => {
  const { left, answer } = started()
  vi.advanceTimersByTime(30_000)
  expect(await answer).toBe(false)
  await left
})
