import type { ModelOwner } from "../model-source.ts"

/** How the bytes of a reference come to be trusted. */
export type Trust =
  /** The reference names their SHA-256. */
  | "digest"
  /** What came first from the address is what it stands for, until the person deletes it. */
  | "first-use"
  /** Whatever the address holds now: a person's own file. */
  | "current"

/** A model reference, taken apart without any effect. */
export interface Reference {
  /** With its colon: `https:`. */
  scheme: string
  /** The one spelling of this reference; the store's key. */
  canonical: string
  trust: Trust
  /** Lower-case hex, where the reference names it. */
  sha256?: string
  /** True where only those who asked for it may share what came: an address that is not public. */
  ownerOnly: boolean
}

/** What tells one version of a resource from another, as far as its server says and the platform shows it. */
export interface Version {
  etag?: string
  lastModified?: string
  bytes?: number
}

/** A source's answer from some offset on. */
export interface SourceBody {
  /** Where `chunks` begin: the offset asked for, or 0 where the source can't begin elsewhere or holds another version by now. */
  offset: number
  /** Length of the whole, bytes. */
  total?: number
  /** `total` is binding: a body of another length is damaged. False where the platform may have decoded it. */
  exact: boolean
  version: Version
  chunks: AsyncIterable<Uint8Array>
}

/** Bytes at some place. */
export interface ByteSource {
  /** Reads from `offset`, provided that the resource is still `version`. Throws IPFA_MODEL_FETCH, _NOT_FOUND, _ADDRESS. */
  open(request: { offset: number; version?: Version; signal: AbortSignal }): Promise<SourceBody>
  /** What is there now, without its bytes; undefined where the source doesn't tell. */
  look(signal: AbortSignal): Promise<Version | undefined>
}

export interface HttpRequest {
  method: "GET" | "HEAD"
  headers: Record<string, string>
  signal: AbortSignal
  /** Loopback may be connected to. */
  loopback: boolean
}

export interface HttpResponse {
  status: number
  /** One header by its lower-case name, where it is there and the platform shows it. */
  header(name: string): string | undefined
  body: AsyncIterable<Uint8Array>
  /** Releases the connection without reading the body. */
  discard(): void
}

/** One request, redirects followed, no credentials, no address that models may not come from. */
export interface HttpClient {
  request(url: string, request: HttpRequest): Promise<HttpResponse>
  /** Takes conditional headers without asking the server for leave first (a page's CORS preflight). */
  readonly conditional: boolean
  /** Bodies arrive as they were sent, so lengths are binding. */
  readonly exact: boolean
}

/** Reads files of this machine; only where there is a file system. */
export interface FileClient {
  source(path: string): ByteSource
}

/** What resolvers may use, as the place they run in has it. */
export interface ResolveEnvironment {
  http: HttpClient
  files?: FileClient
  /** `http:` and `https:` on loopback are allowed: development servers and tests. */
  allowLoopback: boolean
}

export interface Resolver {
  /** With its colon: `https:`. */
  readonly scheme: string
  /** Takes the reference apart. Throws IPFA_MODEL_REFERENCE, IPFA_MODEL_SCHEME. */
  parse(text: string): Reference
  /** Where its bytes are; undefined where only the store can have them. Throws IPFA_MODEL_SCHEME, IPFA_MODEL_ADDRESS. */
  resolve(reference: Reference, environment: ResolveEnvironment, owner: ModelOwner): ByteSource | undefined
}

/** Declares one kind of model reference. */
export function defineResolver(resolver: Resolver): Resolver {
  return resolver
}
