import type { HardwareReport } from "../../protocol/index.ts"

type BrowserName = NonNullable<HardwareReport["devices"][number]["browser"]>

/** What this browser is, from its user agent and what it has. WebKit that is not Apple's Safari (WebKitGTK, WPE) is `webkit`. */
export function browserName({ userAgent }: Pick<Navigator, "userAgent">, hasWebnn: boolean): BrowserName {
  if (/\bEdg(A|iOS)?\//.test(userAgent)) return "edge"
  // The old headless mode and the shell call themselves so; of these only a build with WebNN's backend has it.
  if (/\bHeadlessChrome\//.test(userAgent) && hasWebnn) return "webnn-shell"
  if (/\b(Headless)?Chrom(e|ium)\//.test(userAgent)) return "chromium"
  if (/\bFirefox\//.test(userAgent)) return "firefox"
  if (/\bAppleWebKit\//.test(userAgent))
    return /Macintosh|iPhone|iPad/.test(userAgent) && /\bVersion\//.test(userAgent) ? "safari" : "webkit"
  return "page"
}
