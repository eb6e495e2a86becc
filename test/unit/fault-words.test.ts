import { expect, test } from "vitest"
import { ofThisCase } from "../../engine/agent/of-this-case.ts"
import { asAccelerateError, fail, noDevice } from "../../protocol/index.ts"

test.each([
  ["the general sentence", fail("IPFA_JOB_LOST"), ""],
  [
    "a foreign error's reason",
    asAccelerateError(new Error("no such (or other) table"), "IPFA_STORAGE_QUERY"),
    "no such (or other) table",
  ],
  ["each device's reason", noDevice([{ device: "wasm", reason: "it rests\nfor long" }]), "wasm: it rests\nfor long"],
  [
    "a sentence of its own",
    fail("IPFA_INPUT_INVALID", { message: "That is no address (of a bridge)" }),
    "That is no address (of a bridge)",
  ],
])("of a message that is %s, what it says of the case is told", (_, { entry, message }, details) => {
  expect(ofThisCase(entry.message, message)).toBe(details)
})
