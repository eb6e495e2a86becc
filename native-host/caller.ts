import { fail, isExtensionOrigin } from "../protocol/index.ts"

/** The extension that the browser started this program for. */
export interface HostCaller {
  /** Its id, as the browser says it. */
  readonly id: string
  /** Throws IPFA_HOST_CALLER where the extension can't have that origin. */
  admit(origin: string): void
}

/**
 * Who calls, by what the browser puts on the command line: in Chromium the extension's origin, in Firefox the manifest's path and the
 * extension's id. Throws IPFA_HOST_CALLER for one that is not `allowed`.
 */
export function callerOf(args: readonly string[], allowed: readonly string[]): HostCaller {
  const chromium = args.map((arg) => /^chrome-extension:\/\/([a-p]{32})\/$/.exec(arg)?.[1]).find(Boolean)
  const id = chromium ?? args[1]
  if (id === undefined || !allowed.includes(id)) throw fail("IPFA_HOST_CALLER", { data: { extension: id ?? "none" } })
  return {
    id,
    admit(origin) {
      // Firefox draws the origin by lot and tells it to the extension alone.
      const own = chromium
        ? origin === `chrome-extension://${chromium}`
        : /^moz-extension:/.test(origin) && isExtensionOrigin(origin)
      if (!own) throw fail("IPFA_HOST_CALLER", { data: { extension: id, origin } })
    },
  }
}
