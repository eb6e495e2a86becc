import { defineQuirk } from "../define-kernel.ts"

/**
 * Firefox looks every 100 ms whether a GPU's work is done, and whenever something is submitted: a readback of a millisecond takes 100. Submitting nothing is enough
 * (Firefox 153). Its timers have about this grain. Bug: https://bugzilla.mozilla.org/show_bug.cgi?id=1870699.
 */
export const slowPolls = defineQuirk({
  name: "slow polls",
  applies: (_adapter, userAgent) => /\bFirefox\//.test(userAgent),
  nudgeMs: 1,
})
