import { expect, test, vi } from "vitest"
import { Supervisor, type SupervisorPlatform } from "../../extension/supervisor/supervisor.ts"
import { asAccelerateError, fail, memoryPorts } from "../../protocol/index.ts"

/** Of an extension that a newer version has left its storage to. */
const unready = (): Partial<SupervisorPlatform> => ({ browserSession: Promise.reject(fail("IPFA_STORE_NEWER")) })

test("whoever connects while the extension can't open what it stored is told why, a page as well as the person's screens", async () => {
  const supervisor = new Supervisor(unready() as SupervisorPlatform)
  const connect = (accept: (port: ReturnType<typeof memoryPorts>[0]) => void) => {
    const [here, there] = memoryPorts()
    accept(there)
    return new Promise((resolve) =>
      here.start(
        () => {},
        (reason) => resolve(asAccelerateError(reason).code),
      ),
    )
  }
  const sender = { origin: "https://a.example", isPrivate: false, ended: new Promise<void>(() => {}) }
  expect(await connect((port) => supervisor.acceptPage(port, sender))).toBe("IPFA_STORE_NEWER")
  expect(await connect((port) => supervisor.acceptOwner(port))).toBe("IPFA_STORE_NEWER")
  supervisor.promptClosed("1")
})

test("an update goes in at once where the extension can't open what it stored: the newer version may", async () => {
  const restart = vi.fn()
  const supervisor = new Supervisor({ ...unready(), restart } as unknown as SupervisorPlatform)
  supervisor.updateAvailable()
  await expect.poll(() => restart.mock.calls.length).toBe(1)
})
