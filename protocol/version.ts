/** Raised when a change would break a peer of the version before; N and N−1 interoperate. */
export const PROTOCOL_VERSION = 1
/** N−1, once there is one. */
export const OLDEST_PROTOCOL_VERSION = 1
