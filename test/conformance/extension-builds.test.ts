import { existsSync } from "node:fs"
import path from "node:path"
import addonsLinter from "addons-linter"
import { describe, expect, test } from "vitest"
import { ensureExtension, type Target } from "../../scripts/build-extension.ts"
import { beyond, namedFiles, readManifest, type Store } from "../support/built.ts"

/** Keys and APIs of Chromium alone, which MDN's table of what browsers share does not hold. */
const chromiums = [
  "cross_origin_embedder_policy",
  "cross_origin_opener_policy",
  "key",
  "message_serialization",
  "minimum_chrome_version",
  "permission offscreen",
]

/** What each build is for: the oldest version that is claimed, and what it may ask for that MDN's table lacks. */
const builds: { target: Target; browser: Store; atLeast: number; own: readonly string[] }[] = [
  { target: "chrome-mv3", browser: "chrome", atLeast: 148, own: chromiums },
  { target: "edge-mv3", browser: "edge", atLeast: 148, own: chromiums },
  { target: "firefox-mv2", browser: "firefox", atLeast: 140, own: [] },
  // The code asks whether it has this event.
  { target: "safari-mv2", browser: "safari", atLeast: 18, own: ["runtime.onUpdateAvailable"] },
]

describe.each(builds)("the extension built for $browser", ({ target, browser, atLeast, own }) => {
  test("asks for no manifest key, permission or API that the browser has not", async () => {
    expect(beyond(await ensureExtension(target), browser, atLeast, own)).toEqual([])
  })

  test("holds every file that its manifest names, and asks for these permissions only", async () => {
    const dir = await ensureExtension(target)
    const manifest = readManifest(dir)
    const files = namedFiles(manifest)
    expect(files).toContain("options.html")
    for (const file of files) expect(existsSync(path.join(dir, file)), file).toBe(true)
    const optional = {
      chrome: ["nativeMessaging", "offscreen", "sidePanel"],
      firefox: ["nativeMessaging"],
      safari: [] as string[],
    }
    const expected = ["scripting", "storage", ...optional[browser === "edge" ? "chrome" : browser]]
    expect(manifest.permissions.filter((name) => !name.includes("://")).toSorted()).toEqual(expected.toSorted())
  })
})

/** What Mozilla's linter says of the Firefox build, and why that is right. */
const known: Record<string, string> = {
  "UNSAFE_VAR_ASSIGNMENT: Unsafe assignment to innerHTML": "Preact's dangerouslySetInnerHTML, which is not used",
  "DANGEROUS_EVAL: The Function constructor is eval.": "ONNX Runtime's glue, on a path that the CSP closes; not used",
  "DANGEROUS_EVAL: eval can be harmful.": "DuckDB's worker, on a path that the CSP closes; not used",
  "KEY_FIREFOX_ANDROID_UNSUPPORTED_BY_MIN_VERSION: Manifest key not supported by the specified minimum Firefox for Android version":
    "data_collection_permissions, which Firefox for computers knows; the extension is not offered for Android",
  "UNSAFE_VAR_ASSIGNMENT: Unsafe call to import for argument 0": "ONNX Runtime's own files, by the extension's address",
}

test("Mozilla's linter finds nothing in the Firefox build but what is known", async () => {
  const linter = addonsLinter.createInstance({
    config: {
      _: [await ensureExtension("firefox-mv2")],
      logLevel: "fatal",
      output: "none",
      shouldScanFile: () => true,
    },
    runAsBinary: false,
  })
  const { errors, warnings } = await linter.run()
  expect(errors).toEqual([])
  const said = new Set(warnings.map(({ code, message }) => `${code}: ${message}`))
  expect([...said].filter((text) => !(text in known))).toEqual([])
})
