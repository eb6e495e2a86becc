/**
 * Every error this software can report. One entry per code: the HTTP status it maps to, whether the same call may succeed when it is made
 * again (`retry`), and the sentence a person reads when no more precise one was given.
 */
export interface ErrorEntry {
  status: number
  retry: boolean
  message: string
}

const entry = (status: number, message: string, retry = false): ErrorEntry => ({ status, retry, message })

export const registry = {
  IPFA_INPUT_INVALID: entry(
    400,
    "A value in the request is not of the expected kind. Correct it: the error's data names its path and what was expected.",
  ),
  IPFA_INPUT_SHAPE: entry(
    400,
    "A tensor's shape or dtype does not fit the model's input. Compare with the session's inputs.",
  ),
  IPFA_INTERNAL: entry(500, "Something failed inside ipfs-accelerate. Please report it with the error's cause."),

  IPFA_PROTOCOL_VERSION: entry(426, "The two sides share no protocol version. Update the older one."),
  IPFA_PROTOCOL_MALFORMED: entry(
    400,
    "A message was not of the protocol's form, and the connection was ended. Update both sides.",
  ),
  IPFA_PROTOCOL_UNKNOWN_METHOD: entry(404, "The other side has no such method. Update it, or correct the name."),
  IPFA_PROTOCOL_TOO_LARGE: entry(
    413,
    "A message is larger than this connection takes. Send less at once, or upload the model by parts.",
  ),
  IPFA_PROTOCOL_CLOSED: entry(503, "The connection ended before the answer came. Try again.", true),
  IPFA_PROTOCOL_SLOW_READER: entry(
    429,
    "The other side stopped reading and the connection was ended. Connect again.",
    true,
  ),

  IPFA_JOB_CANCELLED: entry(499, "The job was cancelled. Run it again if it is still wanted."),
  IPFA_JOB_DEADLINE: entry(504, "The job did not end before its deadline. Give it longer.", true),
  IPFA_JOB_PAUSED: entry(503, "Computing is paused here, by its owner or a limit of theirs. Try again later.", true),
  IPFA_JOB_LOST: entry(
    503,
    "The device that ran the job was lost, and so was the one it was run on again. Try another device or a smaller model.",
    true,
  ),
  IPFA_JOB_OVERRUN: entry(
    504,
    "The job took long while others waited for the device, and was ended. Ask for less at once, or try again later.",
    true,
  ),
  IPFA_QUEUE_FULL: entry(429, "Too many jobs are waiting. Try again after some have ended.", true),

  IPFA_GRANT_REQUIRED: entry(403, "This origin was not granted that. Call enable() and let the person decide."),
  IPFA_GRANT_DENIED: entry(
    403,
    "The person denied the request. Ask again only when they start something that needs it.",
  ),
  IPFA_GRANT_REVOKED: entry(
    403,
    "The person revoked the grant, which ended this job. Call enable() when they ask for it again.",
  ),
  IPFA_GRANT_EXPIRED: entry(403, "The grant ran out, which ended this job. Call enable() to ask for another."),
  IPFA_GRANT_ORIGIN: entry(
    403,
    "Pages with an opaque origin, or that are not a secure context, can't be granted anything. Serve the page by https, outside of a sandbox.",
  ),
  IPFA_GRANT_PROMPT: entry(409, "A permission prompt for this site is open already. Answer that one first."),

  IPFA_MODEL_REFERENCE: entry(
    400,
    "That is no model reference. Use https://…[#sha256=…], sha256:…, file:… (Node), or bytes.",
  ),
  IPFA_MODEL_SCHEME: entry(
    400,
    "This kind of model reference can't be loaded here. Use https://… or upload the model.",
  ),
  IPFA_MODEL_NOT_FOUND: entry(404, "There is no such model. Check its name or address, or upload it again."),
  IPFA_MODEL_FETCH: entry(
    502,
    "The model could not be downloaded. Check its address and the network, then try again.",
    true,
  ),
  IPFA_MODEL_ADDRESS: entry(
    403,
    "The model's address is not one that models may be fetched from. Use one that is public.",
  ),
  IPFA_MODEL_DIGEST: entry(
    502,
    "The bytes that came are not the model that was named: their SHA-256 differs. Compare it with that of who published the model.",
  ),
  IPFA_MODEL_CHANGED: entry(
    409,
    "The model at that address is no longer the one first loaded from it. Pin it with #sha256=… or delete the stored one.",
  ),
  IPFA_MODEL_INVALID: entry(
    422,
    "That is no valid ONNX model, or it does what a model must not. Check it with onnx.checker, or export it again.",
  ),
  IPFA_MODEL_PRECISION: entry(
    422,
    "The model is not of the precision that was asked for, and models are not converted. Load one that is, or ask for none.",
  ),
  IPFA_MODEL_TOO_LARGE: entry(413, "The model is larger than is allowed here. Use a smaller or quantized one."),
  IPFA_MODEL_METERED: entry(
    503,
    "The model is not stored yet, and the person lets none be downloaded on a network that is metered. Try again on another network.",
    true,
  ),
  IPFA_MODEL_UPLOAD: entry(409, "The parts of an upload came out of order or do not add up. Start the upload anew."),

  IPFA_STORE_QUOTA: entry(
    507,
    "There is no room left to store that. Delete stored models, free disk space, or raise the limit.",
  ),
  IPFA_STORE_CORRUPT: entry(500, "A stored model's bytes are damaged, and it was removed. Load it again.", true),
  IPFA_STORE_NEWER: entry(
    409,
    "What is stored here was written by a newer version and was left as it is. Update this one, or choose another folder or profile.",
  ),
  IPFA_STORE_DENIED: entry(
    403,
    "The browser lets this page store nothing. Give it leave to keep data, in the browser's settings, and reload it.",
  ),
  IPFA_STORE_LOCKED: entry(409, "Another bridge uses that data folder. Stop it, or choose another with --data."),

  IPFA_DEVICE_ABSENT: entry(
    404,
    "The device that was asked for can't be had here. Choose another, or mend what the error's data says.",
  ),
  IPFA_DEVICE_LOST: entry(503, "The device was lost. Try again, or choose another.", true),
  IPFA_DEVICE_INCORRECT: entry(
    503,
    "The device computes wrong results in a known case, so it is not used. Update its driver, or choose another.",
  ),
  IPFA_DEVICE_MEMORY: entry(
    507,
    "The device has not enough memory for that. Close sessions that are not used, or ask for less at once.",
    true,
  ),
  IPFA_DEVICE_NONE: entry(
    503,
    "No device is there that could run this. Mend what is said of each, or use another model.",
    true,
  ),
  IPFA_DEVICE_UNSUPPORTED: entry(
    422,
    "The device can't run this model. Choose another; the error's data says which part it lacks.",
  ),

  IPFA_SESSION_UNKNOWN: entry(
    404,
    "There is no such session; it was closed, or belongs to someone else. Load the model again.",
  ),
  IPFA_SESSION_KEPT: entry(
    404,
    "There is no such kept tensor; it was released, or its device was lost. Feed the values again.",
  ),
  IPFA_RUN_FAILED: entry(
    500,
    "The runtime failed while it ran the model. Check what it was fed, or try another device.",
  ),

  IPFA_BRIDGE_UNREACHABLE: entry(
    503,
    "The bridge-server can't be reached. Start it with npm start or ipfs-accelerate serve.",
    true,
  ),
  IPFA_BRIDGE_TOKEN: entry(
    401,
    "The bridge-server wants its token. Send what is in the file token of its data folder, or pair again.",
  ),
  IPFA_BRIDGE_HOST: entry(
    403,
    "The Host header does not name this bridge-server. Call it by an address it knows, or start it with --name.",
  ),
  IPFA_BRIDGE_ORIGIN: entry(
    403,
    "That origin may not talk to the bridge-server. Use the extension, or the bridge-server's own pages.",
  ),
  IPFA_BRIDGE_PAIRING: entry(401, "The pairing code is wrong, used or expired. Ask the bridge-server for a new one."),
  IPFA_BRIDGE_PAIRING_RATE: entry(429, "Too many pairing attempts. Wait a minute.", true),
  IPFA_BRIDGE_EXPOSED: entry(
    400,
    "Listening beyond this machine needs TLS. Give it --tls-cert and --tls-key, or the flag --insecure-remote.",
  ),
  IPFA_BRIDGE_PORT: entry(409, "The port is in use. Choose another with --port, or end what uses it."),
  IPFA_BRIDGE_SERVICE: entry(
    500,
    "The system did not take the service. Mend what its service manager said, which is in the error's data.",
  ),
  IPFA_AGENT_UNKNOWN: entry(404, "No such agent is connected. Choose one that is, or none."),

  IPFA_HOST_ABSENT: entry(
    404,
    "No native host is installed for this browser. Install it with ipfs-accelerate install-native-host.",
  ),
  IPFA_HOST_CALLER: entry(
    403,
    "The native host was not installed for this extension. Install it again with --extension-id.",
  ),
  IPFA_HOST_FAILED: entry(503, "The native host ended before it answered. Ask ipfs-accelerate doctor why.", true),

  IPFA_EXTENSION_ABSENT: entry(
    404,
    "The extension is not there, or this page is not a secure context. Install it, and open the page by https.",
  ),
  IPFA_EXTENSION_UPDATED: entry(409, "The extension was updated or removed. Reload the page."),
  IPFA_STORAGE_QUERY: entry(400, "That question can't be put to the evidence database. Correct its parameters."),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof registry
