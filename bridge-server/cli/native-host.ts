import path from "node:path"
import { fileURLToPath } from "node:url"
import { Command, Option } from "commander"
import { installHost, type Outcome, thisMachine, uninstallHost } from "../../native-host/install.ts"
import { extensionIds, type HostBrowser, hostBrowsers } from "../../native-host/places.ts"
import { defaultDataDir } from "../data-folder.ts"
import { files } from "../files.ts"
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

function row({ browser, state, manifest, registryKey }: Outcome): string[] {
  return [browser, state, state === "absent" ? "" : [manifest, registryKey].filter(Boolean).join(", ")]
}
