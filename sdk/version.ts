/** Of this package; package.json says the same (test/repo checks it). */
export const VERSION = "0.1.0"
