import { beforeEach, describe, expect, test, vi } from "vitest"
import { askBackground } from "../../extension/ask-background.ts"
import { CONNECT, CONNECTED, FRAME_HELLO, LIFE_PORT, POOL_PORT } from "../../extension/messages.ts"
import { linkPage } from "../../extension/page/link.ts"
import { runtimePorts } from "../protocol/runtime-ports.ts"

/** What is around a content script: what it asks the background for, which ports it opens, and the frames, ready when the test says so. */
const around = vi.hoisted(() => {
  const frames: { hand: string[]; removed: boolean; say(isReady: boolean): void }[] = []
  const asked: unknown[] = []
  const ports: { name: string; isOpen: boolean }[] = []
  const runtime = { id: "here", sendMessage: vi.fn(), connect: vi.fn() }
  Object.assign(globalThis, { chrome: { runtime, extension: { inIncognitoContext: false } } })
  return { frames, asked, ports, runtime }
})
const { frames, asked, ports, runtime } = around

vi.mock("../../extension/page/pool-frame.ts", () => ({
  openFrame() {
    const { promise: ready, resolve: say } = Promise.withResolvers<boolean>()
    const frame = { hand: [] as string[], removed: false, say }
    around.frames.push(frame)
    const hand = (_port: unknown, life: string) => void frame.hand.push(life)
    const remove = () => {
      frame.removed = true
    }
    return { ready, hand, remove }
  },
}))

let page: EventTarget
const settled = () => new Promise(setImmediate)

beforeEach(() => {
  for (const list of [frames, asked, ports]) list.length = 0
  runtime.sendMessage.mockImplementation(async (request) => {
    asked.push(request)
    return {}
  })
  runtime.connect.mockImplementation(({ name }) => {
    const [here, there] = runtimePorts("structured_clone")
    const port = { name, isOpen: true }
    there.onDisconnect.addListener(() => {
      port.isOpen = false
    })
    ports.push(port)
    return here
  })
  page = new EventTarget()
  vi.stubGlobal("window", page)
  vi.stubGlobal("document", new EventTarget())
  vi.stubGlobal("isSecureContext", true)
  vi.stubGlobal("origin", "https://page.test")
  linkPage()
  return () => vi.unstubAllGlobals()
})

/** The page script's notice. */
function tell(type: string, attempt: number): void {
  const event = new Event("message")
  const carried = type === CONNECT ? [new MessageChannel().port1] : []
  page.dispatchEvent(Object.assign(event, { source: page, data: { type, attempt }, ports: carried }))
}

test("a background script that is stopped before it answers is asked once more, and what it then says counts", async () => {
  runtime.sendMessage.mockRejectedValueOnce(new Error("The message channel closed before a response was received."))
  await askBackground({ type: "supervisor" })
  expect(asked).toEqual([{ type: "supervisor" }])
  runtime.sendMessage.mockRejectedValue(new Error("Extension context invalidated."))
  await expect(askBackground({ type: "supervisor" })).rejects.toThrow("invalidated")
  runtime.sendMessage.mockResolvedValue({ error: "there is no room for a document" })
  await expect(askBackground({ type: "supervisor" })).rejects.toThrow("no room")
})

describe("an attempt of the page's to connect", () => {
  test("goes by a frame, which is taken away once the pool has answered", async () => {
    tell(CONNECT, 0)
    frames[0]!.say(true)
    await settled()
    expect(ports.map(({ name }) => name)).toEqual([`${LIFE_PORT}${frames[0]!.hand[0]}`])
    expect(frames[0]!.removed).toBe(false)
    tell(CONNECTED, 0)
    expect([frames[0]!.removed, ports[0]!.isOpen]).toEqual([true, true])
  })

  test("that the page gave up meanwhile hands nothing on, and begins no life of its own", async () => {
    tell(CONNECT, 0)
    tell(CONNECT, 1)
    expect([frames.length, frames[0]!.removed]).toEqual([2, true])
    frames[1]!.say(true)
    frames[0]!.say(true)
    await settled()
    expect(frames.map(({ hand }) => hand.length)).toEqual([0, 1])
    expect(ports).toEqual([{ name: `${LIFE_PORT}${frames[1]!.hand[0]}`, isOpen: true }])
  })

  test("that the page gave up meanwhile has no port stand in for it either, and takes no other's frame away", async () => {
    tell(CONNECT, 0)
    tell(CONNECT, 1)
    frames[0]!.say(false)
    await settled()
    expect([asked, ports, frames[1]!.removed]).toEqual([[], [], false])
    frames[1]!.say(true)
    await settled()
    expect(frames[1]!.hand).toHaveLength(1)
  })

  test("that was handed on and has no answer gives up its life for the next", async () => {
    tell(CONNECT, 0)
    frames[0]!.say(true)
    await settled()
    tell(CONNECT, 1)
    await settled()
    expect(ports.map(({ isOpen }) => isOpen)).toEqual([false])
    frames[1]!.say(true)
    await settled()
    expect(ports.map(({ isOpen }) => isOpen)).toEqual([false, true])
  })

  test.each([
    ["whose frame is not let in", 0, 1],
    ["after two by a frame", 2, 0],
  ])("%s goes by an extension port", async (_, attempt, opened) => {
    tell(CONNECT, attempt)
    expect(frames).toHaveLength(opened)
    frames[0]?.say(false)
    await settled()
    expect(asked).toEqual([{ type: "supervisor" }])
    expect(ports.map(({ name }) => name)).toEqual([POOL_PORT])
  })
})

test("the frame says that it reaches nothing where the extension was updated under it, and the page need not wait", async () => {
  runtime.sendMessage.mockRejectedValue(new Error("Extension context invalidated."))
  Object.assign(page, { parent: page, top: page })
  await import("../../extension/entrypoints/frame/main.ts")
  const { port1, port2: control } = new MessageChannel()
  const answer = new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data)
  })
  page.dispatchEvent(Object.assign(new Event("message"), { source: page, data: FRAME_HELLO, ports: [control] }))
  expect(await answer).toBe("none")
  port1.close()
})
