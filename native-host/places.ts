import path from "node:path"
import { EXTENSION_ID, GECKO_ID, HOST_NAME } from "../protocol/index.ts"

export const hostBrowsers = ["chrome", "chromium", "edge", "firefox"] as const
export type HostBrowser = (typeof hostBrowsers)[number]

/** Whose browsers are meant. */
export interface Machine {
  platform: NodeJS.Platform
  home: string
  env: NodeJS.ProcessEnv
  /** Folder of the launcher, and of the manifests where a registry names them. */
  folder: string
}

export interface Place {
  /** Folders, one of which is there once the user has started the browser. */
  traces: string[]
  /** The file that tells the browser of the native host. */
  manifest: string
  /** Windows: the key whose default value is the manifest's path. */
  registryKey?: string
}

/** Where a browser looks for its user's native hosts: Chrome's, Edge's and MDN's documentation, "Native messaging". */
export function placeOf(browser: HostBrowser, { platform, home, env, folder }: Machine): Place {
  if (platform === "win32") {
    const at = path.win32
    const local = env.LOCALAPPDATA ?? at.join(home, "AppData", "Local")
    const { trace, key } = windows(at, local, env.APPDATA ?? at.join(home, "AppData", "Roaming"))[browser]
    const family = browser === "firefox" ? "firefox" : "chromium"
    return {
      traces: [trace],
      manifest: at.join(folder, `${HOST_NAME}.${family}.json`),
      registryKey: `HKCU\\Software\\${key}\\NativeMessagingHosts\\${HOST_NAME}`,
    }
  }
  const at = path.posix
  const file = `${HOST_NAME}.json`
  if (platform === "darwin") {
    const trace = at.join(home, "Library/Application Support", mac[browser])
    // Firefox's profiles lie elsewhere than what it shares with other programs of Mozilla's.
    const base = browser === "firefox" ? at.join(home, "Library/Application Support/Mozilla") : trace
    return { traces: [trace], manifest: at.join(base, "NativeMessagingHosts", file) }
  }
  const config = env.XDG_CONFIG_HOME || at.join(home, ".config")
  if (browser === "firefox")
    return {
      traces: [at.join(home, ".mozilla/firefox"), at.join(config, "mozilla/firefox")],
      manifest: at.join(home, ".mozilla/native-messaging-hosts", file),
    }
  const trace = at.join(config, linux[browser])
  return { traces: [trace], manifest: at.join(trace, "NativeMessagingHosts", file) }
}

const linux = { chrome: "google-chrome", chromium: "chromium", edge: "microsoft-edge" }
const mac = { chrome: "Google/Chrome", chromium: "Chromium", edge: "Microsoft Edge", firefox: "Firefox" }
const windows = (at: path.PlatformPath, local: string, roaming: string) => ({
  chrome: { trace: at.join(local, "Google", "Chrome", "User Data"), key: "Google\\Chrome" },
  chromium: { trace: at.join(local, "Chromium", "User Data"), key: "Chromium" },
  edge: { trace: at.join(local, "Microsoft", "Edge", "User Data"), key: "Microsoft\\Edge" },
  firefox: { trace: at.join(roaming, "Mozilla", "Firefox"), key: "Mozilla" },
})

/** Ids of extensions, of each family of browsers. */
export interface ExtensionIds {
  chromium: string[]
  firefox: string[]
}

/** `given` by family; for a family that none was given of, the id of the extension as it is built. */
export function extensionIds(given: readonly string[] = []): ExtensionIds {
  const isChromium = (id: string) => /^[a-p]{32}$/.test(id)
  const chromium = given.filter(isChromium)
  const firefox = given.filter((id) => !isChromium(id))
  return {
    chromium: chromium.length > 0 ? chromium : [EXTENSION_ID],
    firefox: firefox.length > 0 ? firefox : [GECKO_ID],
  }
}

/** What the file says. */
export function manifestText(browser: HostBrowser, launcher: string, ids: ExtensionIds): string {
  const manifest = {
    name: HOST_NAME,
    description: "Pairs the ipfs-accelerate extension with the bridge-server of this computer",
    path: launcher,
    type: "stdio",
    ...(browser === "firefox"
      ? { allowed_extensions: ids.firefox }
      : { allowed_origins: ids.chromium.map((id) => `chrome-extension://${id}/`) }),
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** Arguments of reg.exe. */
export const registry = {
  add: (key: string, manifest: string) => ["add", key, "/ve", "/t", "REG_SZ", "/d", manifest, "/f"],
  query: (key: string) => ["query", key, "/ve"],
  delete: (key: string) => ["delete", key, "/f"],
}
