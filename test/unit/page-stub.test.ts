import { afterEach, expect, test, vi } from "vitest"
import { FAILED_EVENT, LOAD_EVENT } from "../../extension/messages.ts"
import { installStub } from "../../extension/page/stub.ts"
import type { AccelerateError } from "../../protocol/index.ts"
import type { IpfsAccelerate } from "../../sdk/types.ts"

afterEach(() => vi.unstubAllGlobals())

test("where the extension can't be reached, each call says so with a code and data, as every error has them", async () => {
  const [page, document] = [new EventTarget(), new EventTarget()]
  vi.stubGlobal("window", page)
  vi.stubGlobal("document", document)
  vi.stubGlobal("isSecureContext", true)
  vi.stubGlobal("origin", "https://page.test")
  installStub()
  const { ipfsAccelerate: api } = page as unknown as { ipfsAccelerate: IpfsAccelerate }
  const failed = () => document.dispatchEvent(new CustomEvent(FAILED_EVENT, { detail: "IPFA_EXTENSION_UPDATED" }))
  document.addEventListener(LOAD_EVENT, () => setImmediate(failed))
  for (const call of [() => api.status(), () => api.load("https://models.example/m.onnx")]) {
    const error: AccelerateError = await call().catch((e) => e)
    expect(error).toBeInstanceOf(Error)
    expect({ ...error, message: error.message }).toEqual({
      code: "IPFA_EXTENSION_UPDATED",
      data: {},
      message: expect.stringContaining("Reload"),
    })
  }
})
