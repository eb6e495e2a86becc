import { createHash, timingSafeEqual } from "node:crypto"
import { TOKEN_SUBPROTOCOL } from "../../protocol/index.ts"

/** What is kept of a token that is not our own. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest()
}

/** Compares in a time that does not depend on what differs. */
export function tokenMatches(given: string, expectedHash: Buffer): boolean {
  return timingSafeEqual(hashToken(given), expectedHash)
}

/** The token a request brings: `Authorization: Bearer …`, or a WebSocket subprotocol. Never a query parameter: those are logged and remembered. */
export function presentedToken(headers: {
  authorization?: string
  "sec-websocket-protocol"?: string
}): string | undefined {
  const bearer = /^Bearer ([\w.~+/=-]{1,512})$/i.exec(headers.authorization ?? "")?.[1]
  if (bearer) return bearer
  for (const protocol of (headers["sec-websocket-protocol"] ?? "").split(",")) {
    const name = protocol.trim()
    if (name.startsWith(TOKEN_SUBPROTOCOL)) return name.slice(TOKEN_SUBPROTOCOL.length)
  }
  return undefined
}
