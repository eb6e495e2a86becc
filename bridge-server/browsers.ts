/** Where this machine has browsers that can take part: what `npm start` drives and what `doctor` tells of. */
import { spawnSync } from "node:child_process"
import { accessSync, constants, globSync, readFileSync, realpathSync, statSync } from "node:fs"
import { homedir } from "node:os"
import path from "node:path"

const { platform } = process

/** Names are looked for on the PATH. Branded Chrome ≥ 137 loads no unpacked extension, so it is not among them. */
const chromiums: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["chromium", "chromium-browser", "microsoft-edge"],
  darwin: [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  ],
  win32: [
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    "C:\\Program Files\\Chromium\\Application\\chrome.exe",
  ],
}
const firefoxes: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["firefox-esr", "firefox"],
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: ["C:\\Program Files\\Mozilla Firefox\\firefox.exe"],
}

/** The program of that name or path, where this user may run it. */
export function findProgram(name: string): string | undefined {
  const places = path.isAbsolute(name)
    ? [name]
    : (process.env.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, name))
  return places.find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The Chromium or Edge to drive: `$CHROMIUM`, one in the usual places, or Playwright's own. Throws where `$CHROMIUM` names none. */
export function findChromium(): string | undefined {
  return named("CHROMIUM") ?? first(chromiums) ?? playwrightChromium()
}

/** The system library for want of which `program` can't start, as Playwright's Chromium on a bare machine; undefined where it lacks none. */
export function missingLibrary(program: string): string | undefined {
  if (platform !== "linux") return undefined
  const { stderr } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 10_000 })
  return /error while loading shared libraries: ([^:\s]+):/.exec(stderr)?.[1]
}

/** The Firefox to drive: `$FIREFOX`, or one in the usual places. Throws where `$FIREFOX` names none. */
export function findFirefox(): string | undefined {
  return named("FIREFOX") ?? first(firefoxes)
}

function named(variable: "CHROMIUM" | "FIREFOX"): string | undefined {
  const file = process.env[variable]
  if (!file) return undefined
  const found = findProgram(file)
  if (!found) throw new Error(`${variable} names ${file}, which is not there or not executable.`)
  return found
}

const first = (names: typeof chromiums) => names[platform]?.map(findProgram).find((file) => file !== undefined)

/** Whether a program is a snap, as Ubuntu's browsers are: by a link or a script, which starts it. Such a one can't read hidden folders of the home. */
export function isSnap(program: string): boolean {
  const file = realpathSync(program)
  if ([program, file].some((name) => name.startsWith("/snap/")) || path.basename(file) === "snap") return true
  return statSync(file).size < 2 ** 16 && readFileSync(file, "utf8").includes("/snap/bin/")
}

/** The newest that `playwright install chromium` put where Playwright keeps its browsers. */
export function playwrightChromium(): string | undefined {
  const { env } = process
  const caches: Partial<Record<NodeJS.Platform, string>> = {
    linux: env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"),
    darwin: path.join(homedir(), "Library", "Caches"),
    win32: env.LOCALAPPDATA ?? path.join(homedir(), "AppData", "Local"),
  }
  const folder = env.PLAYWRIGHT_BROWSERS_PATH ?? path.join(caches[platform] ?? homedir(), "ms-playwright")
  const revision = (file: string) => Number(/^chromium-(\d+)/.exec(file)?.[1])
  const programs = "chromium-*/chrome-*/{chrome,chrome.exe,*.app/Contents/MacOS/*}"
  return globSync(programs, { cwd: folder })
    .sort((a, b) => revision(b) - revision(a))
    .map((file) => findProgram(path.resolve(folder, file)))
    .find((file) => file !== undefined)
}

export interface WebkitPaths {
  driver: string
  browser: string
  /** For where there is no display, or none is wanted: it has no headless mode. */
  xvfb: string | undefined
}

/** WebKitGTK's driver and its small browser, and Xvfb where it is to be `headless`; or why they are not there and how to get them. */
export function findWebkit(headless: boolean): WebkitPaths | string {
  if (platform !== "linux") return "WebKitGTK is for Linux; here, open the worker page in Safari or any other browser"
  const driver = findProgram("WebKitWebDriver")
  const browser =
    process.env.MINIBROWSER ?? globSync("/usr/{lib,lib64,libexec}/{*/,}webkit2gtk-4.*/MiniBrowser").sort().at(-1)
  if (!driver || !browser)
    return "WebKitGTK's driver is not installed: apt-get install webkit2gtk-driver xvfb (Debian, Ubuntu)"
  const xvfb = findProgram("Xvfb")
  if (headless && !xvfb)
    return "WebKitGTK has no headless mode, and Xvfb is not installed: apt-get install xvfb (Debian, Ubuntu)"
  return { driver, browser, xvfb }
}

/** Why the Chromium shell with WebNN can't run here, or undefined where it can. */
export function webnnShellAbsent(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64")
    return "its binary (npm package @sparticuz/chromium) is for Linux on x64"
  try {
    import.meta.resolve("@sparticuz/chromium")
    return undefined
  } catch {
    return "the npm package @sparticuz/chromium is not installed: npm install"
  }
}
