import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import path from "node:path"
import { type Launched, launcherName, launcherText } from "./launcher.ts"
import {
  type ExtensionIds,
  type HostBrowser,
  hostBrowsers,
  type Machine,
  manifestText,
  placeOf,
  registry,
} from "./places.ts"

export interface Outcome {
  browser: HostBrowser
  /** `absent`: this user has no such browser, or there was nothing to remove. */
  state: "written" | "unchanged" | "removed" | "absent"
  manifest: string
  registryKey?: string
}

/** This user, with what is ours in `dataDir`. */
export function thisMachine(dataDir: string): Machine {
  const folder = path.join(path.resolve(dataDir), "native-host")
  return { platform: process.platform, home: homedir(), env: process.env, folder }
}

/** What browsers start, where it is installed for that machine's data folder. */
export function launcherOf({ platform, folder }: Machine): string {
  return path.join(folder, launcherName(platform))
}

export interface InstallRequest {
  /** Default: those that this user has started once. */
  browsers?: readonly HostBrowser[]
  ids: ExtensionIds
  launched: Omit<Launched, "extensions">
}

/** Writes the launcher, and the manifest of each browser; what is right already stays as it is. */
export function installHost(
  machine: Machine,
  { browsers, ids, launched }: InstallRequest,
): { launcher: string; outcomes: Outcome[] } {
  const launcher = launcherOf(machine)
  const text = launcherText(machine.platform, { ...launched, extensions: [...ids.chromium, ...ids.firefox] })
  mkdirSync(machine.folder, { recursive: true, mode: 0o700 })
  writeWhere(launcher, text)
  chmodSync(launcher, 0o755)
  const outcomes = hostBrowsers.map((browser): Outcome => {
    const { traces, ...place } = placeOf(browser, machine)
    const wanted = browsers ? browsers.includes(browser) : traces.some((folder) => existsSync(folder))
    if (!wanted) return { browser, state: "absent", ...place }
    const changed = [writeWhere(place.manifest, manifestText(browser, launcher, ids)), register(place)]
    return { browser, state: changed.includes(true) ? "written" : "unchanged", ...place }
  })
  return { launcher, outcomes }
}

/** Removes the manifests, and the launchers that no browser is told of any more. */
export function uninstallHost(machine: Machine, browsers: readonly HostBrowser[] = hostBrowsers): Outcome[] {
  const before = installedHosts(machine)
  const outcomes = browsers.map((browser): Outcome => {
    const { traces: _, ...place } = placeOf(browser, machine)
    const known = before.find((host) => host.browser === browser)
    if (!known) return { browser, state: "absent", ...place }
    if (place.registryKey) execFileSync("reg.exe", registry.delete(place.registryKey), { stdio: "ignore" })
    // On Windows several browsers share one file.
    if (!installedHosts(machine).some((host) => host.manifest === place.manifest && host.browser !== browser))
      removeFile(place.manifest)
    return { browser, state: "removed", ...place }
  })
  const left = installedHosts(machine).map(({ launcher }) => launcher)
  for (const launcher of new Set([...before.map((host) => host.launcher), launcherOf(machine)]))
    if (launcher && path.basename(launcher) === launcherName(machine.platform) && !left.includes(launcher))
      removeFile(launcher)
  return outcomes
}

export interface InstalledHost {
  browser: HostBrowser
  manifest: string
  /** What the manifest names; undefined where it can't be read. */
  launcher: string | undefined
}

/** What browsers are told of a native host of ours. */
export function installedHosts(machine: Machine): InstalledHost[] {
  return hostBrowsers.flatMap((browser) => {
    const place = placeOf(browser, machine)
    const manifest = place.registryKey ? registered(place.registryKey) : place.manifest
    if (!manifest || !existsSync(manifest)) return []
    try {
      return { browser, manifest, launcher: String(JSON.parse(readFileSync(manifest, "utf8")).path) }
    } catch {
      return { browser, manifest, launcher: undefined }
    }
  })
}

/** Whether the file had to be written. */
function writeWhere(file: string, text: string): boolean {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  return true
}

/** Whether the registry had to be changed. */
function register({ registryKey, manifest }: { registryKey?: string; manifest: string }): boolean {
  if (!registryKey || registered(registryKey) === manifest) return false
  execFileSync("reg.exe", registry.add(registryKey, manifest), { stdio: "ignore" })
  return true
}

/** The path that a registry key names; undefined where there is no such key. */
function registered(key: string): string | undefined {
  try {
    const said = execFileSync("reg.exe", registry.query(key), { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    return /REG_SZ\s+(.+?)\s*$/m.exec(said)?.[1]
  } catch {
    return undefined
  }
}

/** The file, and its folder where that is empty then. */
function removeFile(file: string): void {
  rmSync(file, { force: true })
  try {
    rmdirSync(path.dirname(file))
  } catch {
    // Others have files there, or it is gone.
  }
}
