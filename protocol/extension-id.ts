/** The extension's id in Chromium and Edge, from the key in its manifest (extension/id.ts): the first 16 bytes of its SHA-256, each half byte a letter from a to p. */
export const EXTENSION_ID = "cfdnlajajmcgbpklcapigagkhipbolmn"

/** The extension's id in Firefox, which draws its origin by lot in each profile. */
export const GECKO_ID = "ipfs-accelerate@ipfs-accelerate.example"

/** Whether only an installed extension can have that origin. */
export function isExtensionOrigin(origin: string): boolean {
  return /^(chrome-extension|moz-extension|safari-web-extension):\/\/[\w-]{1,64}$/.test(origin)
}
