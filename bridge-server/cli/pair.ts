import { Command } from "commander"
import { withBridge } from "./models.ts"
import { type GlobalOptions, say } from "./print.ts"

export function pairCommand(): Command {
  return new Command("pair")
    .description("Prints a code with which one browser can join, once, within five minutes.")
    .option("--worker", "print a link to the worker page instead, which any browser joins by without the extension")
    .action(async (_, command: Command) => {
      const { json, data, worker } = command.optsWithGlobals<GlobalOptions & { worker?: boolean }>()
      await withBridge(data, async (request, http) => {
        const { code, expiresInMs } = (await request("POST", "/v1/pairing")) as { code: string; expiresInMs: number }
        // In the fragment, which browsers keep to themselves.
        const link = `${http}/worker#code=${code}`
        if (worker)
          return say(json, { code, expiresInMs, link }, [
            link,
            `Open it once, within ${Math.round(expiresInMs / 60_000)} minutes. On another machine, over TLS and by this machine's name.`,
          ])
        say(json, { code, expiresInMs }, [
          `${code.slice(0, 4)}-${code.slice(4)}`,
          `Type it into the extension's options within ${Math.round(expiresInMs / 60_000)} minutes.`,
        ])
      })
    })
}
