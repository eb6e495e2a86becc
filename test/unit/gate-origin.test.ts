import { describe, expect, test } from "vitest"
import { displayOrigin, isGrantable } from "../../extension/gate/origin.ts"
import { decodePunycode } from "../../extension/gate/punycode.ts"

test.each([
  "https://example.com",
  "https://example.com:8443",
  "http://localhost:3000",
  "http://app.localhost",
  "http://127.0.0.1:8080",
  "http://127.1.2.3",
  "http://[::1]:9000",
])("%s can be granted something", (origin) => {
  expect(isGrantable(origin)).toBe(true)
})

test.each([
  "null",
  "",
  "http://example.com",
  "http://localhost.example.com",
  "http://127.0.0.1.example.com",
  "http://notlocalhost",
  "http://192.168.1.4",
  "file://",
  "blob:https://example.com/1",
  "data:text/html,x",
  "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
  "https://example.com/",
  "https://EXAMPLE.com",
  "https://user@example.com",
  "https://example.com:443",
])("%s can't", (origin) => {
  expect(isGrantable(origin)).toBe(false)
})

describe("an origin is shown", () => {
  test("as it is where it has plain letters", () => {
    expect(displayOrigin("https://example.com:8443")).toEqual({ ascii: "https://example.com:8443" })
  })

  test("in ASCII first, with the letters beside it, where it has others", () => {
    expect(displayOrigin("https://xn--pple-43d.com")).toEqual({
      ascii: "https://xn--pple-43d.com",
      letters: "https://аpple.com",
    })
    expect(displayOrigin("https://xn--mnchen-3ya.xn--e1afmkfd:444")).toEqual({
      ascii: "https://xn--mnchen-3ya.xn--e1afmkfd:444",
      letters: "https://münchen.пример:444",
    })
  })

  test("in ASCII alone where the Punycode is none", () => {
    expect(displayOrigin("https://xn--a-9999999999.com").letters).toBeUndefined()
  })
})

// RFC 3492, section 7.1: (B) Chinese, (I) Russian, (L) Japanese with digits; and what URL makes of others.
test.each([
  ["ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文"],
  ["b1abfaaepdrnnbgefbadotcwatmq2g4l", "почемужеонинеговорятпорусски"],
  ["3B-ww4c5e180e575a65lsy2b", "3年B組金八先生"],
  ["", ""],
])("Punycode %s is %s", (encoded, text) => {
  expect(decodePunycode(encoded)).toBe(text)
})

test("what URL encodes is decoded again", () => {
  for (const label of ["straße", "español", "ελλάδα", "日本語", "한국어", "עברית", "💩", "a-ö-b"]) {
    const ascii = new URL(`https://${label}.example`).hostname.split(".")[0]!
    const decoded = ascii.startsWith("xn--") ? decodePunycode(ascii.slice(4)) : ascii
    expect(new URL(`https://${decoded}.example`).hostname.split(".")[0]).toBe(ascii)
    expect(decoded).toBe(label.toLowerCase())
  }
})

test.each(["-", "99999999999999999999", "a-!", "é"])("%s is no Punycode, and nothing hangs", (encoded) => {
  expect(decodePunycode(encoded)).toBeUndefined()
})
