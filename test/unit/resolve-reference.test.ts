import { describe, expect, test } from "vitest"
import { parseReference, resolvers } from "../../engine/resolve/index.ts"
import { nodeFiles } from "../../engine/resolve/node-files.ts"
import { AccelerateError } from "../../protocol/index.ts"
import fc from "../property.ts"

const HEX = "ab".repeat(32)

function codeOf(text: string): string {
  try {
    parseReference(text)
    return "parsed"
  } catch (error) {
    return (error as AccelerateError).code
  }
}

describe("a model reference is taken apart", () => {
  test("an https address is trusted on first use and shared", () => {
    expect(parseReference("HTTPS://Models.Example.com:443/a/../m.onnx?v=1")).toEqual({
      scheme: "https:",
      canonical: "https://models.example.com/m.onnx?v=1",
      trust: "first-use",
      ownerOnly: false,
    })
  })

  test("a pinned one is trusted by its digest, in lower case", () => {
    expect(parseReference(`https://h.example/m.onnx#sha256=${HEX.toUpperCase()}`)).toEqual({
      scheme: "https:",
      canonical: `https://h.example/m.onnx#sha256=${HEX}`,
      trust: "digest",
      sha256: HEX,
      ownerOnly: false,
    })
  })

  test("what is not on a public address belongs to its owner alone", () => {
    expect(parseReference("http://localhost:8080/m.onnx")).toMatchObject({ trust: "first-use", ownerOnly: true })
    expect(parseReference("https://127.0.0.1/m.onnx").ownerOnly).toBe(true)
    expect(parseReference("file:///models/m.onnx")).toMatchObject({ trust: "current", ownerOnly: true })
    expect(parseReference(`file:///m.onnx#sha256=${HEX}`)).toMatchObject({ trust: "digest", sha256: HEX })
  })

  test("sha256: names stored bytes", () => {
    expect(parseReference(`sha256:${HEX.toUpperCase()}`)).toMatchObject({ canonical: `sha256:${HEX}`, sha256: HEX })
  })
})

test.each([
  ["", "IPFA_MODEL_REFERENCE"],
  ["m.onnx", "IPFA_MODEL_REFERENCE"],
  ["../m.onnx", "IPFA_MODEL_REFERENCE"],
  ["//host/m.onnx", "IPFA_MODEL_REFERENCE"],
  ["data:application/octet-stream;base64,AAAA", "IPFA_MODEL_REFERENCE"],
  ["blob:https://a.example/1", "IPFA_MODEL_REFERENCE"],
  ["javascript:alert(1)", "IPFA_MODEL_REFERENCE"],
  ["ftp://h.example/m.onnx", "IPFA_MODEL_REFERENCE"],
  ["https://", "IPFA_MODEL_REFERENCE"],
  ["https://user:secret@h.example/m.onnx", "IPFA_MODEL_REFERENCE"],
  ["https://h.example/m.onnx#sha256=abc", "IPFA_MODEL_REFERENCE"],
  ["https://h.example/m.onnx#md5=abc", "IPFA_MODEL_REFERENCE"],
  [`https://h.example/${"a".repeat(5000)}`, "IPFA_MODEL_REFERENCE"],
  ["sha256:abc", "IPFA_MODEL_REFERENCE"],
  ["file:m.onnx", "IPFA_MODEL_REFERENCE"],
  ["file:../m.onnx", "IPFA_MODEL_REFERENCE"],
  ["file://host/m.onnx", "IPFA_MODEL_REFERENCE"],
  ["file:///folder/", "IPFA_MODEL_REFERENCE"],
  ["http://h.example/m.onnx", "IPFA_MODEL_SCHEME"],
  ["hf://org/name", "IPFA_MODEL_SCHEME"],
  ["ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/m.onnx", "IPFA_MODEL_SCHEME"],
])("%s is refused with %s", (text, code) => {
  expect(codeOf(text)).toBe(code)
})

test("a file: reference whose escapes hide a slash is refused before anything is read", () => {
  expect(() => nodeFiles.source("file:///models%2Fm.onnx")).toThrow(
    expect.objectContaining({ code: "IPFA_MODEL_REFERENCE" }),
  )
})

test.each([
  ["hf://org/name", /hf:\/\/ references can't be loaded .* https:\/\//],
  ["ipfs://bafy/m.onnx", /ipfs:\/\/ references can't be loaded .* https:\/\//],
])("%s is refused by name, with what to use instead", (text, sentence) => {
  expect(() => parseReference(text)).toThrow(sentence)
})

test("any text is either parsed or refused with a code, and parses to itself again", () => {
  const scheme = fc.constantFrom(
    "",
    ...resolvers.flatMap((r) => [r.scheme, `${r.scheme}//`, `${r.scheme}//h.example/`]),
  )
  fc.assert(
    fc.property(scheme, fc.string({ unit: "grapheme", maxLength: 80 }), (head, tail) => {
      try {
        const reference = parseReference(head + tail)
        expect(parseReference(reference.canonical)).toEqual(reference)
      } catch (error) {
        expect(error).toBeInstanceOf(AccelerateError)
        expect((error as AccelerateError).code).toMatch(/^IPFA_MODEL_(REFERENCE|SCHEME)$/)
      }
    }),
    { numRuns: 2000 },
  )
})
