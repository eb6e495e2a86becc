import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { callerOf } from "../../native-host/caller.ts"
import { launcherText } from "../../native-host/launcher.ts"
import {
  extensionIds,
  type HostBrowser,
  hostBrowsers,
  manifestText,
  placeOf,
  registry,
} from "../../native-host/places.ts"
import { EXTENSION_ID, GECKO_ID } from "../../protocol/index.ts"

const places = (platform: NodeJS.Platform, home: string, folder: string, env: NodeJS.ProcessEnv = {}) =>
  Object.fromEntries(hostBrowsers.map((browser) => [browser, placeOf(browser, { platform, home, folder, env })]))

test("on Linux each browser has its manifest where it looks for its user's", () => {
  const found = places("linux", "/home/ada", "/data")
  expect(Object.values(found).map(({ manifest }) => manifest)).toEqual([
    "/home/ada/.config/google-chrome/NativeMessagingHosts/ipfs_accelerate.json",
    "/home/ada/.config/chromium/NativeMessagingHosts/ipfs_accelerate.json",
    "/home/ada/.config/microsoft-edge/NativeMessagingHosts/ipfs_accelerate.json",
    "/home/ada/.mozilla/native-messaging-hosts/ipfs_accelerate.json",
  ])
  expect(found.firefox?.traces).toEqual(["/home/ada/.mozilla/firefox", "/home/ada/.config/mozilla/firefox"])
  const elsewhere = places("linux", "/home/ada", "/data", { XDG_CONFIG_HOME: "/etc/ada" })
  expect(elsewhere.chromium?.manifest).toBe("/etc/ada/chromium/NativeMessagingHosts/ipfs_accelerate.json")
})

test("on macOS each browser has its manifest where it looks for its user's", () => {
  const support = "/Users/ada/Library/Application Support"
  expect(Object.values(places("darwin", "/Users/ada", "/data")).map(({ manifest }) => manifest)).toEqual([
    `${support}/Google/Chrome/NativeMessagingHosts/ipfs_accelerate.json`,
    `${support}/Chromium/NativeMessagingHosts/ipfs_accelerate.json`,
    `${support}/Microsoft Edge/NativeMessagingHosts/ipfs_accelerate.json`,
    `${support}/Mozilla/NativeMessagingHosts/ipfs_accelerate.json`,
  ])
})

test("on Windows each browser is told by a key of its user's registry, and each family has one manifest", () => {
  const env = { LOCALAPPDATA: "C:\\Users\\ada\\AppData\\Local", APPDATA: "C:\\Users\\ada\\AppData\\Roaming" }
  const found = places("win32", "C:\\Users\\ada", "C:\\data\\native-host", env)
  const chromium = "C:\\data\\native-host\\ipfs_accelerate.chromium.json"
  expect(Object.values(found).map(({ manifest, registryKey }) => [registryKey, manifest])).toEqual([
    ["HKCU\\Software\\Google\\Chrome\\NativeMessagingHosts\\ipfs_accelerate", chromium],
    ["HKCU\\Software\\Chromium\\NativeMessagingHosts\\ipfs_accelerate", chromium],
    ["HKCU\\Software\\Microsoft\\Edge\\NativeMessagingHosts\\ipfs_accelerate", chromium],
    [
      "HKCU\\Software\\Mozilla\\NativeMessagingHosts\\ipfs_accelerate",
      "C:\\data\\native-host\\ipfs_accelerate.firefox.json",
    ],
  ])
  expect(found.chrome?.traces).toEqual(["C:\\Users\\ada\\AppData\\Local\\Google\\Chrome\\User Data"])
  expect(found.firefox?.traces).toEqual(["C:\\Users\\ada\\AppData\\Roaming\\Mozilla\\Firefox"])
})

test("the registry is asked, written and cleared without a question and by value, not by a line for a shell", () => {
  const key = "HKCU\\Software\\Chromium\\NativeMessagingHosts\\ipfs_accelerate"
  expect(registry.add(key, "C:\\a b\\m.json")).toEqual([
    "add",
    key,
    "/ve",
    "/t",
    "REG_SZ",
    "/d",
    "C:\\a b\\m.json",
    "/f",
  ])
  expect(registry.query(key)).toEqual(["query", key, "/ve"])
  expect(registry.delete(key)).toEqual(["delete", key, "/f"])
})

test("a manifest names the launcher, and the extensions of its family of browsers alone", () => {
  const manifest = (browser: HostBrowser, given?: string[]) =>
    JSON.parse(manifestText(browser, "/data/launcher", extensionIds(given)))
  expect(manifest("edge")).toEqual({
    name: "ipfs_accelerate",
    description: expect.any(String),
    path: "/data/launcher",
    type: "stdio",
    allowed_origins: [`chrome-extension://${EXTENSION_ID}/`],
  })
  expect(manifest("firefox")).toMatchObject({ allowed_extensions: [GECKO_ID] })
  const other = "abcdefghijklmnopabcdefghijklmnop"
  expect(manifest("chrome", [other]).allowed_origins).toEqual([`chrome-extension://${other}/`])
  expect(manifest("firefox", [other]).allowed_extensions).toEqual([GECKO_ID])
  expect(manifest("firefox", ["mine@example.org"]).allowed_extensions).toEqual(["mine@example.org"])
})

const words = {
  node: "/usr/bin/node",
  host: "/it's here/host.js",
  bridge: "/b $HOME `id`/main.js",
  dataDir: '/d "x" %PATH%',
}

test("the launcher passes on every path as it is, and what the browser adds as data", () => {
  const script = launcherText("linux", { ...words, node: "/usr/bin/printf", host: "%s\\n", extensions: ["id"] })
  const said = execFileSync("/bin/sh", ["-s", "chrome-extension://x/", "--bridge", "no"], {
    input: script,
    encoding: "utf8",
  })
  expect(said.trim().split("\n")).toEqual([
    "--bridge",
    words.bridge,
    "--data",
    words.dataDir,
    "--allow",
    "id",
    "--",
    "chrome-extension://x/",
    "--bridge",
    "no",
  ])
})

test("on Windows the launcher takes paths in any language, and leaves a percent sign what it is", () => {
  const script = launcherText("win32", { ...words, host: "C:\\Ядро\\100%\\host.js", extensions: [] })
  expect(script).toContain('"C:\\Ядро\\100%%\\host.js"')
  expect(script.split("\r\n")[0]).toBe("@chcp 65001 >nul")
  expect(script).toMatch(/ -- %\*\r\n$/)
})

const refused = (args: string[], origin?: string) => {
  try {
    const caller = callerOf(args, [EXTENSION_ID, GECKO_ID])
    if (origin) caller.admit(origin)
    return "admitted"
  } catch (error) {
    return (error as { code?: string }).code
  }
}

test("the host serves the extension that the browser names, under the origin that it can have", () => {
  const chromium = [`chrome-extension://${EXTENSION_ID}/`, "--parent-window=0"]
  expect(refused(chromium, `chrome-extension://${EXTENSION_ID}`)).toBe("admitted")
  expect(refused(["--parent-window=0", ...chromium])).toBe("admitted")
  const firefox = ["/home/ada/.mozilla/native-messaging-hosts/ipfs_accelerate.json", GECKO_ID]
  expect(refused(firefox, "moz-extension://0a1b2c3d-0000-4000-8000-000000000000")).toBe("admitted")
  for (const [args, origin] of [
    [[]],
    [["chrome-extension://abcdefghijklmnopabcdefghijklmnop/"]],
    [["manifest.json", "another@example.org"]],
    [[`https://${EXTENSION_ID}/`]],
    [chromium, "chrome-extension://abcdefghijklmnopabcdefghijklmnop"],
    [chromium, "https://example.org"],
    [firefox, `chrome-extension://${EXTENSION_ID}`],
    [firefox, "moz-extension://evil/../x"],
  ] as [string[], string?][])
    expect(refused(args, origin), `${args} ${origin}`).toBe("IPFA_HOST_CALLER")
})
