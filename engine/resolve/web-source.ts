import { fail } from "../../protocol/index.ts"
import type { ByteSource, HttpClient, HttpResponse, Version } from "./resolver.ts"

/** The bytes at a URL, from any offset. */
export function webSource(http: HttpClient, url: string, loopback: boolean): ByteSource {
  return {
    async open({ offset, version, signal }) {
      const headers: Record<string, string> = {}
      const resume = offset > 0 && version !== undefined && (version.etag ?? version.lastModified) !== undefined
      if (resume) headers.range = `bytes=${offset}-`
      // A weak ETag can't vouch for bytes.
      const strong = version?.etag?.startsWith("W/") ? undefined : version?.etag
      const condition = strong ?? version?.lastModified
      if (resume && condition && http.conditional) headers["if-range"] = condition
      let response = await http.request(url, { method: "GET", headers, signal, loopback })
      if (resume && !resumes(response, offset, version)) {
        // The server holds another version, or none that reaches that far: from the start.
        if (response.status !== 200) {
          response.discard()
          response = await http.request(url, { method: "GET", headers: {}, signal, loopback })
        }
        offset = 0
      } else if (!resume) offset = 0
      if (response.status !== 200 && !(offset > 0 && response.status === 206)) {
        response.discard()
        throw refusal(response.status)
      }
      const length = number(response.header("content-length"))
      const total = length === undefined ? undefined : offset + length
      return {
        offset,
        total,
        exact: http.exact && total !== undefined,
        version: { ...versionOf(response), ...(http.exact && total !== undefined && { bytes: total }) },
        chunks: response.body,
      }
    },
    async look(signal) {
      const response = await http.request(url, { method: "HEAD", headers: {}, signal, loopback })
      response.discard()
      if (response.status !== 200) return undefined
      const bytes = number(response.header("content-length"))
      return { ...versionOf(response), ...(bytes !== undefined && http.exact && { bytes }) }
    },
  }
}

/** True where the answer goes on from `offset` of the same version. Headers that CORS hides are not held against it. */
function resumes(response: HttpResponse, offset: number, version: Version): boolean {
  if (response.status !== 206) return false
  const range = response.header("content-range")
  if (range !== undefined) {
    const parsed = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range)
    if (!parsed || Number(parsed[1]) !== offset) return false
    if (parsed[3] !== "*" && version.bytes !== undefined && Number(parsed[3]) !== version.bytes) return false
  }
  const length = number(response.header("content-length"))
  if (length !== undefined && version.bytes !== undefined && offset + length !== version.bytes) return false
  const now = versionOf(response)
  if (version.etag !== undefined && now.etag !== undefined) return now.etag === version.etag
  return now.lastModified !== undefined && now.lastModified === version.lastModified
}

function versionOf(response: HttpResponse): Version {
  const etag = response.header("etag")
  const lastModified = response.header("last-modified")
  return { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function refusal(status: number): Error {
  if (status === 404 || status === 410) return fail("IPFA_MODEL_NOT_FOUND", { data: { status } })
  return fail("IPFA_MODEL_FETCH", {
    message: `The model could not be downloaded: its server answered ${status}.`,
    data: { status },
  })
}
