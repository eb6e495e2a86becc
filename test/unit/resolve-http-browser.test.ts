import { afterEach, expect, test, vi } from "vitest"
import { browserHttp } from "../../engine/resolve/http-browser.ts"
import { serialiseError } from "../../protocol/errors/wire.ts"

afterEach(() => vi.unstubAllGlobals())

/** How a request for a public address fails for its caller where `fetch` does this. */
async function refusalOf(fetch: () => Promise<Response>) {
  vi.stubGlobal("fetch", fetch)
  const { signal } = new AbortController()
  const request = { method: "GET", headers: {}, signal, loopback: false } as const
  return browserHttp()
    .request("https://models.example.com/m.onnx", request)
    .then(() => undefined, serialiseError)
}

const endedAt = (url: string) => async () =>
  Object.defineProperties(new Response("model"), { url: { value: url }, redirected: { value: true } })

test.each(["https://192.168.1.1/", "http://127.0.0.1:8080/", "http://nas/", "https://[fe80::1]/", "http://localhost/"])(
  "a redirect that ended at %s looks to the caller like one that nothing answered",
  async (url) => {
    const nothing = await refusalOf(() => Promise.reject(new TypeError("Failed to fetch")))
    expect(nothing).toMatchObject({ code: "IPFA_MODEL_FETCH" })
    expect(await refusalOf(endedAt(url))).toEqual(nothing)
  },
)

test("a redirect that ended at another public address is followed, over https only", async () => {
  expect(await refusalOf(endedAt("https://cdn.example.com/m.onnx"))).toBeUndefined()
  expect(await refusalOf(endedAt("http://cdn.example.com/m.onnx"))).toMatchObject({ code: "IPFA_MODEL_ADDRESS" })
})
