/** Gets a browser where none is found that can be driven with the extension loaded, and the arguments to start it with. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline/promises"
import {
  findChromium,
  findFirefox,
  findProgram,
  findWebkit,
  missingLibrary,
  type WebkitPaths,
} from "../bridge-server/browsers.ts"
import { repoRoot } from "./sources.ts"

const interactive = Boolean(process.stdin.isTTY && process.stderr.isTTY && !process.env.CI)

/** The person's answer, where there is a terminal; else yes. Throws where `stop` comes before it. */
async function agree(question: string, stop: AbortSignal | undefined): Promise<boolean> {
  if (!interactive) return true
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // While it asks, Ctrl-C is a key that is read: here it is the signal that it is at any other time.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
  try {
    const answer = await terminal.question(`${question} [Y/n] `, stop ? { signal: stop } : {})
    return !/^n/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}

/** Whether the program ended well; a bridge-server that is up meanwhile goes on answering. Throws where Ctrl-C ended it. */
async function run(command: string, args: string[]): Promise<boolean> {
  process.stderr.write(`$ ${command} ${args.join(" ")}\n`)
  const child = spawn(command, args, { stdio: ["inherit", 2, "inherit"] })
  const [code, signal] = await once(child, "exit").catch(() => [])
  if (signal === "SIGINT") throw new Error(`${command} was interrupted`)
  return code === 0
}

/** Installs packages of the distribution, after asking where there is a terminal; false, with the reason on stderr, where that can't be or went wrong. */
async function installPackages(packages: readonly string[], stop: AbortSignal | undefined): Promise<boolean> {
  const apt = findProgram("apt-get")
  const isRoot = process.getuid?.() === 0
  const sudo = isRoot ? undefined : findProgram("sudo")
  const names = packages.join(" and ")
  const not = (why: string) => {
    process.stderr.write(`${names} not installed: ${why}.\n`)
    return false
  }
  if (process.platform !== "linux" || !apt) return not("there is no apt-get here, which Debian and Ubuntu have")
  if (!isRoot && !sudo) return not("only root may, and there is no sudo")
  if (
    !(await agree(`Install the distribution's package${packages.length > 1 ? "s" : ""} ${names} with apt-get?`, stop))
  )
    return not("you said no")
  const [command, rest] = sudo ? [sudo, [...(interactive ? [] : ["-n"]), apt]] : [apt, []]
  await run(command, [...rest, "update"])
  const installed = await run(command, [...rest, "install", "-y", "--no-install-recommends", ...packages])
  return installed || not("apt-get could not, as it says above")
}

const instructions = `No browser was found that can be driven with the extension. Any of these gives one:
  npx playwright-core install chromium         Playwright's own build
  npx playwright-core install-deps chromium    as root: the system libraries that it lacks, where it is there and can't start
  apt-get install chromium                     Debian, Ubuntu (dnf install chromium, pacman -S chromium elsewhere)
  CHROMIUM=/path/to/chromium npm start         one that is somewhere else
Microsoft Edge works as well. Branded Chrome can't be driven with an unpacked extension since version 137: in it, use "Load unpacked".`

/** `findChromium`, where that can start. */
function startableChromium(): string | undefined {
  const found = findChromium()
  const library = found && missingLibrary(found)
  if (library) process.stderr.write(`${found} can't start: this system lacks ${library}.\n`)
  return library ? undefined : found
}

/**
 * A Chromium that can start, else installs one: by Playwright, else by the distribution's package manager, which brings the libraries that Playwright's
 * needs as well, after asking where there is a terminal. Undefined, with instructions on stderr, where neither can. Throws where `stop` comes while it asks.
 */
export async function ensureChromium(stop?: AbortSignal): Promise<string | undefined> {
  const found = startableChromium()
  if (found) return found
  const cli = path.join(repoRoot, "node_modules", "playwright-core", "cli.js")
  if (!findChromium() && (await agree("No Chromium was found. Download Playwright's build (about 180 MB)?", stop))) {
    const downloaded = (await run(process.execPath, [cli, "install", "chromium"])) && startableChromium()
    if (downloaded) return downloaded
  }
  const installed = (await installPackages(["chromium"], stop)) && startableChromium()
  if (installed) return installed
  process.stderr.write(`${instructions}\n`)
  return undefined
}

export const FIREFOX_ABSENT =
  "no Firefox was found: install it (Debian: apt-get install firefox-esr mesa-vulkan-drivers), or say where it is with FIREFOX=/path/to/firefox"

/** Left behind where a browser was not installed, whether a person said no or it could not be: it is tried once, not at each start. */
const remembered = (browser: string) => path.join(repoRoot, ".cache", `${browser}-not-installed`)

/** What `find` finds, else installs the distribution's `packages` and looks again. Undefined where they can't be had, or could not an earlier time (`memory`). */
async function ensurePackages<T>(
  find: () => T | undefined,
  packages: readonly string[],
  memory: string,
  stop: AbortSignal | undefined,
): Promise<T | undefined> {
  const found = find()
  if (found || existsSync(memory)) return found
  await installPackages(packages, stop)
  const installed = find()
  if (!installed) {
    mkdirSync(path.dirname(memory), { recursive: true })
    writeFileSync(memory, "Not asked or tried again by npm start and npm test; remove this file to have that.\n")
    process.stderr.write(`This is tried once: remove ${memory} to have it tried again.\n`)
  }
  return installed
}

/** A Firefox, with a Vulkan driver that computes without a GPU where it is installed here. Undefined where there is none (`FIREFOX_ABSENT`). */
export const ensureFirefox = (memory = remembered("firefox"), stop?: AbortSignal): Promise<string | undefined> =>
  ensurePackages(findFirefox, ["firefox-esr", "mesa-vulkan-drivers"], memory, stop)

/** WebKitGTK, and Xvfb where it is to be without a display. Why there is none, and how to get it, where there is none. */
export async function ensureWebkit(
  headless: boolean,
  memory = remembered("webkit"),
  stop?: AbortSignal,
): Promise<WebkitPaths | string> {
  const find = () => findWebkit(headless)
  if (process.platform === "linux") {
    const here = () => {
      const found = find()
      return typeof found === "string" ? undefined : found
    }
    await ensurePackages(here, ["webkit2gtk-driver", "xvfb"], memory, stop)
  }
  return find()
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
