/** Finds a browser that can be driven with the extension loaded, or gets one. Branded Chrome ≥ 137 ignores --load-extension, so it is not among them. */
import { spawnSync } from "node:child_process"
import { accessSync, constants, existsSync, readdirSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline/promises"
import { chromium } from "playwright-core"

const candidates: Record<string, string[]> = {
  linux: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/snap/bin/chromium", "/usr/bin/microsoft-edge"],
  darwin: [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  ],
  win32: [
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    "C:\\Program Files\\Chromium\\Application\\chrome.exe",
  ],
}

const runnable = (file: string) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The Chromium (or Edge) to drive: `$CHROMIUM`, the usual places, or Playwright's own; undefined where there is none. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM
  if (named) {
    if (runnable(named)) return named
    throw new Error(`CHROMIUM names ${named}, which is not there or not executable.`)
  }
  const bundled = chromium.executablePath()
  return [...(candidates[process.platform] ?? []), bundled].find((file) => existsSync(file) && runnable(file))
}

const interactive = Boolean(process.stdin.isTTY && process.stderr.isTTY && !process.env.CI)

/** The person's answer, where there is a terminal; else yes. */
async function agree(question: string): Promise<boolean> {
  if (!interactive) return true
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${question} [Y/n] `)
  terminal.close()
  return !/^n/i.test(answer.trim())
}

function run(command: string, args: string[]): boolean {
  process.stderr.write(`$ ${command} ${args.join(" ")}\n`)
  return spawnSync(command, args, { stdio: ["inherit", 2, "inherit"] }).status === 0
}

/** Installs packages of the distribution, after asking where there is a terminal; false where that can't be or went wrong. */
async function installPackages(...packages: string[]): Promise<boolean> {
  const apt = "/usr/bin/apt-get"
  if (process.platform !== "linux" || !existsSync(apt)) return false
  const root = process.getuid?.() === 0
  const prefix = root ? [] : interactive ? ["sudo"] : ["sudo", "-n"]
  const names = packages.join(" and ")
  if (!(await agree(`Install the distribution's package${packages.length > 1 ? "s" : ""} ${names} with apt-get?`)))
    return false
  const [command = apt, ...rest] = [...prefix, apt]
  run(command, [...rest, "update"])
  return run(command, [...rest, "install", "-y", "--no-install-recommends", ...packages])
}

const instructions = `No browser was found that can be driven with the extension. Any of these gives one:
  npx playwright-core install chromium      Playwright's own build
  apt-get install chromium                  Debian, Ubuntu (dnf install chromium, pacman -S chromium elsewhere)
  CHROMIUM=/path/to/chromium npm start      one that is somewhere else
Microsoft Edge works as well. Branded Chrome can't be driven with an unpacked extension since version 137: in it, use "Load unpacked".`

/** `findChromium`, else installs one: by Playwright, else by the distribution's package manager, after asking where there is a terminal. Undefined, with instructions on stderr, where neither can. */
export async function ensureChromium(): Promise<string | undefined> {
  const found = findChromium()
  if (found) return found
  const cli = path.join(import.meta.dirname, "..", "node_modules", "playwright-core", "cli.js")
  if (await agree("No Chromium was found. Download Playwright's build (about 180 MB)?")) {
    if (run(process.execPath, [cli, "install", "chromium"]) && findChromium()) return findChromium()
  }
  if ((await installPackages("chromium")) && findChromium()) return findChromium()
  process.stderr.write(`${instructions}\n`)
  return undefined
}

const firefoxes: Record<string, string[]> = {
  linux: ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/usr/lib/firefox/firefox"],
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: ["C:\\Program Files\\Mozilla Firefox\\firefox.exe"],
}

/** The Firefox to drive: `$FIREFOX`, or one in the usual places; undefined where there is none. */
export function findFirefox(): string | undefined {
  const named = process.env.FIREFOX
  if (named) {
    if (runnable(named)) return named
    throw new Error(`FIREFOX names ${named}, which is not there or not executable.`)
  }
  return firefoxes[process.platform]?.find((file) => existsSync(file) && runnable(file))
}

export const FIREFOX_ABSENT =
  "no Firefox was found: install it (Debian: apt-get install firefox-esr mesa-vulkan-drivers), or say where it is with FIREFOX=/path/to/firefox"

/** `findFirefox`, else installs the distribution's, with a Vulkan driver that computes without a GPU. Undefined where it can't. */
export async function ensureFirefox(): Promise<string | undefined> {
  const found = findFirefox()
  if (found) return found
  await installPackages("firefox-esr", "mesa-vulkan-drivers")
  return findFirefox()
}

/** Whether this machine has a GPU that a headless browser can use, as far as can be told without one. */
function hasGpu(): boolean {
  return (
    process.platform !== "linux" ||
    (existsSync("/dev/dri") && readdirSync("/dev/dri").some((node) => node.startsWith("renderD")))
  )
}

export interface ChromiumOptions {
  headless: boolean
  /** WebGPU on SwiftShader; the default where there is no GPU. */
  software?: boolean
  /** Folder of an unpacked extension. */
  extension?: string
}

/** Arguments that let a machine without a display or a GPU compute, and keep a browser from looking for its maker's hosts. */
export function chromiumArgs({ headless, software = !hasGpu(), extension }: ChromiumOptions): string[] {
  return [
    ...(headless ? ["--headless=new"] : []),
    // Without a user namespace of its own (root, most containers) the sandbox can't start.
    ...(process.getuid?.() === 0 || process.env.CI ? ["--no-sandbox"] : []),
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    ...(software ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : []),
    ...(extension ? [`--disable-extensions-except=${extension}`, `--load-extension=${extension}`] : []),
  ]
}
