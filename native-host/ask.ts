import { X509Certificate } from "node:crypto"
import type { OutgoingHttpHeaders } from "node:http"
import { request } from "node:https"
import { text } from "node:stream/consumers"
import type { ConnectionOptions } from "node:tls"
import type { Ask } from "../protocol/index.ts"

/** Requests to the bridge-server of this machine: the platform's `fetch`, or over TLS one that takes the certificate which it announced. */
export function askBridge(cert: string | undefined): Ask {
  if (cert === undefined) return fetch
  return (url, { method, headers, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const options = {
        ...(method && { method }),
        headers: headers as OutgoingHttpHeaders,
        ...(signal && { signal }),
        ...trust(cert),
      }
      const asked = request(url, options, (response) => resolve({ json: async () => JSON.parse(await text(response)) }))
      asked.once("error", reject)
      asked.end(body)
    })
}

/** Exactly the certificate in `cert` (PEM), whoever signed it and whatever its name: it is called by its address here, and its root is for other machines. */
export function trust(cert: string): Pick<ConnectionOptions, "ca" | "checkServerIdentity" | "allowPartialTrustChain"> {
  const own = new X509Certificate(cert)
  return {
    ca: cert,
    allowPartialTrustChain: true,
    checkServerIdentity: (_, { raw }) =>
      raw.equals(own.raw) ? undefined : new Error("That is another certificate than the bridge-server's."),
  }
}
