import { type LookupAddress, type LookupOptions, lookup as systemLookup } from "node:dns"
import * as http from "node:http"
import * as https from "node:https"
import { isIP } from "node:net"
import { fail } from "../../protocol/index.ts"
import { addressKind, hostKind } from "./address.ts"
import type { HttpClient, HttpRequest, HttpResponse } from "./resolver.ts"

export const MAX_REDIRECTS = 10
const HEADERS_TIMEOUT_MS = 30_000

export interface NodeHttpOptions {
  /** Replaces the system's name resolution. */
  lookup?: typeof systemLookup
}

/**
 * Node's own http, hop by hop: each redirect's target is judged as the first address was, and a name is resolved once, by the connection
 * that then goes to the judged address, so that a second answer can't differ (DNS rebinding).
 */
export function nodeHttp(options: NodeHttpOptions = {}): HttpClient {
  const resolve = options.lookup ?? systemLookup
  return { request, conditional: true, exact: true }

  async function request(url: string, call: HttpRequest): Promise<HttpResponse> {
    let at = new URL(url)
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const loopback = judge(at, call.loopback)
      const response = await send(at, call, loopback, resolve)
      const status = response.statusCode ?? 0
      const location = response.headers.location
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return answer(response, status)
      response.destroy()
      const next = URL.canParse(location, at) ? new URL(location, at) : undefined
      if (next?.protocol !== "https:" && next?.protocol !== "http:") throw refused("a redirect that leads nowhere")
      if (at.protocol === "https:" && next.protocol !== "https:") throw refused("a redirect away from https")
      next.username = next.password = next.hash = ""
      at = next
    }
    throw fail("IPFA_MODEL_FETCH", { message: `The model's server redirects more than ${MAX_REDIRECTS} times.` })
  }
}

/** True where this hop goes to loopback and may. */
function judge(url: URL, loopbackAllowed: boolean): boolean {
  const kind = hostKind(url.hostname)
  if (kind === "private" || (kind === "loopback" && !loopbackAllowed)) throw refused(url.host)
  if (kind === "public" && url.protocol !== "https:") throw refused(`${url.host} without https`)
  return kind === "loopback"
}

function send(
  url: URL,
  { method, headers, signal }: HttpRequest,
  loopback: boolean,
  resolve: typeof systemLookup,
): Promise<http.IncomingMessage> {
  return new Promise((fulfil, reject) => {
    const failed = (cause: unknown) => {
      if (signal.aborted) return reject(signal.reason)
      // A refusal made in `lookup` comes back as the socket's error.
      if (cause instanceof Error && "code" in cause && String(cause.code).startsWith("IPFA_")) return reject(cause)
      reject(
        fail("IPFA_MODEL_FETCH", {
          message: `The model could not be downloaded from ${url.host} (${cause instanceof Error ? cause.message : cause}).`,
          cause,
        }),
      )
    }
    const request = (url.protocol === "https:" ? https : http).request(url, {
      method,
      headers: { ...headers, "accept-encoding": "identity", "user-agent": "ipfs-accelerate" },
      signal,
      // No pooled connection: each one is judged.
      agent: false,
      lookup: judgedLookup(loopback, resolve),
    })
    request.setTimeout(HEADERS_TIMEOUT_MS, () => request.destroy(new Error("no answer in time")))
    request.on("error", failed)
    request.on("response", (response) => {
      request.setTimeout(0)
      fulfil(response)
    })
    request.end()
  })
}

/** Resolves a name and gives the socket only addresses that it may connect to; one that may not refuses them all. */
function judgedLookup(loopback: boolean, resolve: typeof systemLookup) {
  return (
    hostname: string,
    options: LookupOptions,
    callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
  ) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "")
      const wanted = loopback ? "loopback" : "public"
      const bad = addresses.find(({ address }) => !isIP(address) || addressKind(address) !== wanted)
      if (bad || addresses.length === 0) return callback(refused(hostname), "")
      if (options.all) return callback(null, addresses)
      const [first] = addresses as [LookupAddress]
      callback(null, first.address, first.family)
    })
  }
}

function answer(response: http.IncomingMessage, status: number): HttpResponse {
  return {
    status,
    header: (name) => {
      const value = response.headers[name]
      return typeof value === "string" ? value : undefined
    },
    body: response,
    discard: () => response.destroy(),
  }
}

function refused(where: string): Error {
  return fail("IPFA_MODEL_ADDRESS", {
    message: `Models are not fetched from ${where}.`,
    data: { host: where },
  })
}
