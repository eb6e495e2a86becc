import { expect, test } from "vitest"
import { bridgeUrl } from "../../engine/agent/bridge-dial.ts"

test.each([
  ["127.0.0.1:8765", "ws://127.0.0.1:8765/agent"],
  [" localhost:8765 ", "ws://localhost:8765/agent"],
  ["ws://127.0.0.1:8765", "ws://127.0.0.1:8765/agent"],
  ["http://127.0.0.1:8765/dashboard?x#y", "ws://127.0.0.1:8765/agent"],
  ["https://bridge.example.com", "wss://bridge.example.com/agent"],
  ["wss://bridge.example.com:8443/agent", "wss://bridge.example.com:8443/agent"],
  ["[::1]:8765", "ws://[::1]:8765/agent"],
])("%s is %s", (typed, url) => {
  expect(bridgeUrl(typed)).toBe(url)
})

test.each(["", "not an address", "file:///etc/passwd", "http://", "javascript://x", "ftp://127.0.0.1"])(
  "%s is none",
  (typed) => {
    expect(() => bridgeUrl(typed)).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  },
)
