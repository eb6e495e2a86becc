import { EXTENSION_ID } from "../protocol/extension-id.ts"

export { EXTENSION_ID, GECKO_ID } from "../protocol/extension-id.ts"

/**
 * The public half of an RSA key; its private half was thrown away. Chromium derives an extension's id from it, so that the id is the same
 * for an unpacked build anywhere: the bridge lets that one origin in, and a native host names it.
 */
export const EXTENSION_KEY =
  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwsuJZytMsUwWjDy4i9I6EI2DnCutPTjPxu7pPZVtLswsRTCoees0SSyeWfm0ErOMP6PURBLQJHn+HpoqBow2XAaQ0P17ReF/J+yn+BNjA4vSQMENyCVKHloJRwhT+Vg/0hSXLHn6WY3OKnG9a8juWHmbEKxam+DoU6oZg1KBOZzaCGLoxs9y7aV/PFs+AXtUEX116Fztr0pPDEcwR248DDZzDUyjLkV9r+J9j3DBpt0Q/gjVE+qp/KbTeIFqzIOVnlCyDpdl0YfE5gE0pz3TS1NBCskeD9GsYNXPvxlGKDEokKjBUb8DV2d0Mq/431iXGg9Qq1E+LZNz77Ere/UR7wIDAQAB"

/** What a WebSocket of the extension carries as its Origin in Chromium. */
export const EXTENSION_ORIGIN = `chrome-extension://${EXTENSION_ID}`
