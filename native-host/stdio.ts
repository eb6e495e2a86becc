import { endianness } from "node:os"
import {
  type ByteSink,
  type ByteSource,
  fail,
  type JsonPortOptions,
  jsonPort,
  LengthReader,
  lengthPrefix,
  type Port,
} from "../protocol/index.ts"

/** A browser sends a native host at most this much in one message. */
const MAX_IN_BYTES = 64 * 2 ** 20

/**
 * The native host's half of native messaging: each message is a u32 in the machine's byte order with its length, then JSON in UTF-8. Give it
 * stdin and stdout, and write nothing else to stdout.
 */
export function stdioPort(input: ByteSource, output: ByteSink, options?: JsonPortOptions): Port {
  const littleEndian = endianness() === "LE"
  return jsonPort(
    {
      get pendingBytes() {
        return output.writableLength
      },
      post(_value, json) {
        const body = Buffer.from(json)
        output.cork()
        output.write(lengthPrefix(body.byteLength, littleEndian))
        output.write(body)
        output.uncork()
      },
      close: () => output.end(() => input.destroy()),
      listen(arrive, ended) {
        const reader = new LengthReader(MAX_IN_BYTES, (body) => arrive(() => parse(body)), littleEndian)
        input.on("data", (chunk) => arrive(() => reader.push(chunk)))
        input.on("end", () => ended())
        input.on("close", () => ended())
        input.on("error", ended)
        output.on("error", ended)
      },
    },
    options,
  )
}

const decoder = new TextDecoder("utf-8", { fatal: true })

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body))
  } catch (cause) {
    throw fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: "a message is no JSON" }, cause })
  }
}
