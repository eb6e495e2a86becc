import { displayOrigin } from "../gate/origin.ts"

/** Whether somebody who looks for `wanted` means `origin`: it is a part of it, as certificates spell it or in letters. */
export function isFoundBy(origin: string, wanted: string): boolean {
  const part = wanted.trim().toLowerCase().normalize("NFC")
  const { ascii, letters = "" } = displayOrigin(origin)
  return ascii.includes(part) || letters.includes(part)
}
