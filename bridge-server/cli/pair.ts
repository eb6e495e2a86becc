import { Command } from "commander"
import { withBridge } from "./models.ts"
import { type GlobalOptions, say } from "./print.ts"

export function pairCommand(): Command {
  return new Command("pair")
    .description("Prints a code with which one browser can join, once, within five minutes.")
    .action(async (_, command: Command) => {
      const { json, data } = command.optsWithGlobals<GlobalOptions>()
      await withBridge(data, async (request) => {
        const { code, expiresInMs } = (await request("POST", "/v1/pairing")) as { code: string; expiresInMs: number }
        say(json, { code, expiresInMs }, [
          `${code.slice(0, 4)}-${code.slice(4)}`,
          `Type it into the extension's options within ${Math.round(expiresInMs / 60_000)} minutes.`,
        ])
      })
    })
}
