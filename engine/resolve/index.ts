import { fail } from "../../protocol/index.ts"
import file from "./file.ts"
import hf from "./hf.ts"
import http from "./http.ts"
import https from "./https.ts"
import ipfs from "./ipfs.ts"
import type { Reference, Resolver } from "./resolver.ts"
import sha256 from "./sha256.ts"

/** Every kind of model reference there is, one file each. */
export const resolvers: readonly Resolver[] = [https, http, file, sha256, hf, ipfs]

export const MAX_REFERENCE_CHARS = 4096

/** The resolver for `text`, by its scheme. Throws IPFA_MODEL_REFERENCE. */
export function resolverOf(text: string): Resolver {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0].toLowerCase()
  const resolver = resolvers.find((r) => r.scheme === scheme)
  if (!resolver || text.length > MAX_REFERENCE_CHARS) throw fail("IPFA_MODEL_REFERENCE")
  return resolver
}

/** Takes a model reference apart; no effect. Throws IPFA_MODEL_REFERENCE, IPFA_MODEL_SCHEME (known, but not loaded here). */
export function parseReference(text: string): Reference {
  return resolverOf(text).parse(text)
}

export type { ByteSource, Reference, ResolveEnvironment, Resolver, Version } from "./resolver.ts"
export { defineResolver } from "./resolver.ts"
