import { Command } from "commander"
import type { HardwareReport, Status } from "../../protocol/index.ts"
import { withBridge } from "./models.ts"
import { bytesText, type GlobalOptions, say, table } from "./print.ts"

export function statusCommand(): Command {
  return new Command("status")
    .description("Who is there, what is loaded, what runs.")
    .action(async (_, command: Command) => {
      const { json, data } = command.optsWithGlobals<GlobalOptions>()
      await withBridge(data, async (request, { http, tokenFile }) => {
        const [status, hardware] = (await Promise.all([
          request("GET", "/v1/status"),
          request("GET", "/v1/devices"),
        ])) as [Status, HardwareReport]
        const { jobs } = status
        say(json, { http, tokenFile, ...status, ...hardware }, [
          `bridge-server ${status.version} at ${http}, its token in ${tokenFile}`,
          `${jobs.running} running, ${jobs.waiting} waiting, ${jobs.done} done, ${jobs.failed} failed`,
          "",
          ...table(
            ["agent", "device", "adapter", "state", "probe"],
            hardware.devices.map((d) => [
              d.agent ?? "",
              d.id,
              d.adapter,
              d.state,
              d.probe ? (d.probe.ok ? "right" : "WRONG") : "",
            ]),
          ),
          ...hardware.absent.map((a) => `${a.agent ? `${a.agent}/` : ""}${a.id}: ${a.reason}`),
          ...(status.sessions.length > 0
            ? [
                "",
                ...table(
                  ["model", "device", "leases", "memory"],
                  status.sessions.map((s) => [s.model, s.device, String(s.leases), bytesText(s.memoryBytes)]),
                ),
              ]
            : []),
        ])
      })
    })
}
