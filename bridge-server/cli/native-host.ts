import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Command, Option } from "commander"
import { installedHosts, installHost, type Outcome, thisMachine, uninstallHost } from "../../native-host/install.ts"
import { extensionIds, type HostBrowser, hostBrowsers, type Machine } from "../../native-host/places.ts"
import { defaultDataDir } from "../data-folder.ts"
import { files } from "../files.ts"
import type { Finding } from "./checks.ts"
import { type GlobalOptions, say, table } from "./print.ts"

interface HostOptions extends GlobalOptions {
  browser?: HostBrowser[]
  extensionId?: string[]
}

const which = (words: string) => new Option("--browser <name...>", words).choices(hostBrowsers)

export function installNativeHostCommand(): Command {
  return new Command("install-native-host")
    .description("Lets the extension pair without typing: tells this user's browsers of the program that does it.")
    .addOption(which("only these (default: those that this user has started once)"))
    .option("--extension-id <id...>", "ids of the extensions that may call it (default: those of ipfs-accelerate)")
    .action((_, command: Command) => {
      const { json, data, browser, extensionId } = command.optsWithGlobals<HostOptions>()
      const dataDir = path.resolve(data ?? defaultDataDir())
      const { launcher, outcomes } = installHost(thisMachine(dataDir), {
        ...(browser && { browsers: browser }),
        ids: extensionIds(extensionId),
        launched: {
          node: process.execPath,
          host: fileURLToPath(files.nativeHost),
          bridge: fileURLToPath(files.cli),
          dataDir,
        },
      })
      const none = outcomes.every(({ state }) => state === "absent")
      say(json, { launcher, browsers: outcomes }, [
        ...table(["browser", "", "file"], outcomes.map(row)),
        "",
        `They start ${launcher}`,
        none
          ? "This user has started none of these browsers yet. --browser NAME installs it all the same."
          : "Open the extension's options: it pairs by itself. A browser that runs already need not be restarted.",
      ])
    })
}

export function uninstallNativeHostCommand(): Command {
  return new Command("uninstall-native-host")
    .description("Takes back what install-native-host did.")
    .addOption(which("only these (default: all)"))
    .action((_, command: Command) => {
      const { json, data, browser } = command.optsWithGlobals<HostOptions>()
      const outcomes = uninstallHost(thisMachine(data ?? defaultDataDir()), browser)
      say(json, { browsers: outcomes }, table(["browser", "", "file"], outcomes.map(row)))
    })
}

/** Whether browsers are told of a native host, and whether what they are told of starts. */
export function checkNativeHost(machine: Machine): Finding {
  const name = "native host"
  const hosts = installedHosts(machine)
  const broken = hosts.filter(({ launcher }) => !starts(launcher))
  const told = (list: typeof hosts) => list.map(({ browser }) => browser).join(", ")
  if (hosts.length === 0)
    return {
      name,
      ok: false,
      detail: "no browser is told of it: the extension is paired by a code",
      fix: "ipfs-accelerate install-native-host",
    }
  if (broken.length === 0) return { name, ok: true, detail: told(hosts) }
  return {
    name,
    ok: false,
    detail: `${told(broken)} would start ${broken[0]?.launcher ?? broken[0]?.manifest}, which does not work`,
    fix: "ipfs-accelerate install-native-host writes it anew.",
  }
}

function starts(launcher: string | undefined): boolean {
  if (!launcher || !existsSync(launcher)) return false
  // A .bat needs a shell, and the shell the quotes.
  const shell = process.platform === "win32"
  return spawnSync(shell ? `"${launcher}"` : launcher, ["--check"], { shell, stdio: "ignore" }).status === 0
}

function row({ browser, state, manifest, registryKey }: Outcome): string[] {
  return [browser, state, state === "absent" ? "" : [manifest, registryKey].filter(Boolean).join(", ")]
}
