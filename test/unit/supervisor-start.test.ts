import { expect, test } from "vitest"
import { Supervisor, type SupervisorPlatform } from "../../extension/supervisor/supervisor.ts"
import { asAccelerateError, fail, memoryPorts } from "../../protocol/index.ts"

test("whoever connects while the extension can't open what it stored is told why, a page as well as the person's screens", async () => {
  const browserSession = Promise.reject(fail("IPFA_STORE_NEWER"))
  const supervisor = new Supervisor({ browserSession } as unknown as SupervisorPlatform)
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
