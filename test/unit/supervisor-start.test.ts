import { afterEach, expect, test, vi } from "vitest"
import { Supervisor, type SupervisorPlatform } from "../../extension/supervisor/supervisor.ts"
import { asAccelerateError, fail, memoryPorts, Peer, type Port, registry } from "../../protocol/index.ts"

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** In a browser where a newer version left what is stored. */
function supervisor(more: Partial<SupervisorPlatform> = {}): Supervisor {
  const browserSession = Promise.reject(fail("IPFA_STORE_NEWER", { data: { name: "settings", here: 1 } }))
  return new Supervisor({ browserSession, ...more } as SupervisorPlatform)
}

function connect(accept: (port: Port) => void): Peer {
  const [here, there] = memoryPorts()
  accept(there)
  return new Peer(here, { role: "page" })
}

const told = (call: Promise<unknown>) => call.then(() => undefined, asAccelerateError)
const sender = { origin: "https://a.example", isPrivate: false }
const sentence = registry.IPFA_STORE_NEWER.message

test("while the extension can't open what it stored, a page's calls end with that code and its sentence, and no more of it", async () => {
  const page = connect((port) => supervisor().acceptPage(port, sender))
  expect(await page.ready).toBe(true)
  for (const call of [page.call("grant.request", { capabilities: ["infer"] }), page.call("hardware.report", {})]) {
    const { code, message, data } = (await told(call))!
    expect([code, message, data]).toEqual(["IPFA_STORE_NEWER", sentence, {}])
  }
  expect(await told(page.call("owner.erase", {}))).toMatchObject({ code: "IPFA_STORE_NEWER" })
})

test("a page that was told keeps no connection", async () => {
  vi.useFakeTimers()
  const page = connect((port) => supervisor().acceptPage(port, sender))
  await page.ready
  await vi.advanceTimersByTimeAsync(9000)
  expect(page.isClosed).toBe(false)
  await vi.advanceTimersByTimeAsync(1000)
  expect((await page.closed)?.code).toBe("IPFA_STORE_NEWER")
})

test("the person's screens are told what stands in the way, and can have everything deleted", async () => {
  const setItem = vi.fn()
  const reload = vi.fn()
  vi.stubGlobal("sessionStorage", { setItem })
  vi.stubGlobal("location", { reload })
  const person = connect((port) => supervisor().acceptOwner(port))
  const why = { code: "IPFA_STORE_NEWER", message: sentence, data: { name: "settings", here: 1 } }
  expect(await told(person.call("owner.watch", {}))).toMatchObject(why)
  expect(person.isClosed).toBe(false)
  expect(await person.call("owner.erase", {})).toEqual({})
  await expect.poll(() => reload.mock.calls.length).toBe(1)
  expect(setItem).toHaveBeenCalledOnce()
})

test("the person can have it tried again, with which nothing is deleted; a page can't", async () => {
  const setItem = vi.fn()
  const reload = vi.fn()
  vi.stubGlobal("sessionStorage", { setItem })
  vi.stubGlobal("location", { reload })
  const stuck = supervisor()
  const page = connect((port) => stuck.acceptPage(port, sender))
  expect(await told(page.call("owner.restart", {}))).toMatchObject({ code: "IPFA_STORE_NEWER" })
  expect(reload).not.toHaveBeenCalled()
  const person = connect((port) => stuck.acceptOwner(port))
  expect(await person.call("owner.restart", {})).toEqual({})
  await expect.poll(() => reload.mock.calls.length).toBe(1)
  expect(setItem).not.toHaveBeenCalled()
})

test("a prompt's window that is closed then is nobody's", async () => {
  supervisor().promptClosed("1")
})

test("an update goes in at once where the extension can't open what it stored: the newer version may", async () => {
  const restart = vi.fn()
  supervisor({ restart }).updateAvailable()
  await expect.poll(() => restart.mock.calls.length).toBe(1)
})
