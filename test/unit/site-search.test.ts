import { expect, test } from "vitest"
import { isFoundBy } from "../../extension/ui/site-search.ts"

const munich = "https://xn--mnchen-3ya.example:8443"

test.each(["", "mnchen-3ya", "xn--", ":8443", "münchen", " MÜNCHEN ", "mu\u0308n", "https://mün"])(
  "a site is found by a part of its address, in letters too: %s",
  (wanted) => {
    expect(isFoundBy(munich, wanted)).toBe(true)
  },
)

test.each(["munchen", "berlin", "http://mün"])("a site is not found by what is no part of it: %s", (wanted) => {
  expect(isFoundBy(munich, wanted)).toBe(false)
})
