import { fail } from "../../protocol/index.ts"
import { hostKind } from "./address.ts"
import type { HttpClient, HttpRequest } from "./resolver.ts"

/**
 * `fetch`, which follows redirects itself and shows only where they ended: that address is checked. What a name resolves to is the
 * browser's business. With `privileged` the platform does not enforce CORS (an extension with host permissions), so it is done here:
 * only what every origin may read comes through, because what comes is shared between origins.
 */
export function browserHttp(options: { privileged?: boolean } = {}): HttpClient {
  return { request, conditional: false, exact: false }

  async function request(url: string, { method, headers, signal, loopback }: HttpRequest) {
    const response = await fetch(url, {
      method,
      headers,
      signal,
      mode: "cors",
      credentials: "omit",
      cache: "no-store",
      redirect: "follow",
      referrerPolicy: "no-referrer",
    }).catch(() => {
      if (signal.aborted) throw signal.reason
      throw unreachable(url)
    })
    const discard = () => void response.body?.cancel().catch(() => {})
    const refuse = (error: Error) => {
      discard()
      throw error
    }
    const end = new URL(response.url || url)
    const kind = hostKind(end.hostname)
    // A page that could tell these from a port where nothing listens would learn through redirects what runs in the person's network.
    if (kind === "private" || (kind === "loopback" && !loopback)) refuse(unreachable(url))
    if (kind === "public" && end.protocol !== "https:")
      refuse(fail("IPFA_MODEL_ADDRESS", { data: { host: end.host, redirected: response.redirected } }))
    if (options.privileged && kind === "public" && response.headers.get("access-control-allow-origin") !== "*")
      refuse(
        fail("IPFA_MODEL_FETCH", {
          message: `${end.host} does not let other sites read that model (no Access-Control-Allow-Origin: *).`,
          data: { host: end.host },
        }),
      )
    return {
      status: response.status,
      header: (name: string) => response.headers.get(name) ?? undefined,
      body: chunks(response.body),
      discard,
    }
  }
}

/** All that a caller learns where nothing answered, or what did is none of its business. A cause would reach the caller and tell the two apart. */
function unreachable(url: string): Error {
  return fail("IPFA_MODEL_FETCH", {
    message: `The model could not be downloaded from ${new URL(url).host}: no connection, or its server's CORS headers don't allow it.`,
  })
}

/** Safari has no async iterator on streams. */
async function* chunks(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}
