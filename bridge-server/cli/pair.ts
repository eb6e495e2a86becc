import { Command, Option } from "commander"
import { renderUnicodeCompact } from "uqr"
import type { CodeUse, Invitation } from "../../protocol/index.ts"
import { isLoopback } from "../access/addresses.ts"
import { withBridge } from "./models.ts"
import { type GlobalOptions, say } from "./print.ts"

export function pairCommand(): Command {
  return new Command("pair")
    .description("Prints a code with which one browser can join, once, within five minutes.")
    .addOption(
      new Option("--worker", "a link to the worker page, which any browser joins by without the extension").conflicts(
        "dashboard",
      ),
    )
    .option("--dashboard", "a link that opens the dashboard in one browser")
    .action(async (_, command: Command) => {
      const { json, data, worker, dashboard } = command.optsWithGlobals<
        GlobalOptions & { worker?: boolean; dashboard?: boolean }
      >()
      const use: CodeUse = dashboard ? "dashboard" : "agent"
      await withBridge(data, async (request) => {
        const { code, expiresInMs, addresses } = (await request("POST", "/v1/pairing", { for: use })) as Invitation
        const minutes = Math.round(expiresInMs / 60_000)
        if (!worker && !dashboard)
          return say(json, { code, expiresInMs }, [
            `${code.slice(0, 4)}-${code.slice(4)}`,
            `Type it into the extension's options within ${minutes} minutes.`,
          ])
        const address = addresses[0] as string
        // In the fragment, which browsers keep to themselves.
        const link = `${address}/${dashboard ? "dashboard" : "worker"}#code=${code}`
        say(json, { code, expiresInMs, link }, [
          link,
          "",
          renderUnicodeCompact(link),
          "",
          `Open it once, within ${minutes} minutes.${isLoopback(new URL(address).hostname.replace(/[[\]]/g, "")) ? " It is good on this machine; for others see --tls-cert and --name of serve." : ""}`,
        ])
      })
    })
}
