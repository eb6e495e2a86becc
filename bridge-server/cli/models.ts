import { Command } from "commander"
import type { StoredModel } from "../../protocol/index.ts"
import { defaultDataDir } from "../data-folder.ts"
import { type BridgeClient, connect } from "./connect.ts"
import { bytesText, type GlobalOptions, say, table } from "./print.ts"
import { toReference } from "./reference.ts"

interface ModelList {
  aliases: { name: string; reference: string; shipped: boolean }[]
  models: StoredModel[]
  usedBytes: number
  quotaBytes: number
}

export function modelsCommand(): Command {
  const command = new Command("models").description("What the bridge-server has stored, and by what names.")
  command
    .command("list")
    .description("Names and stored models.")
    .action(async (_, c: Command) => {
      const { json, data } = c.optsWithGlobals<GlobalOptions>()
      await withBridge(data, async (request) => {
        const list = (await request("GET", "/v1/models")) as ModelList
        say(json, list, [
          ...table(
            ["name", "reference"],
            list.aliases.map((a) => [a.name, a.reference]),
          ),
          "",
          ...table(
            ["sha256", "bytes", "pinned", "references"],
            list.models.map((m) => [m.sha256, bytesText(m.bytes), m.pinned ? "yes" : "", m.references.join(" ")]),
          ),
          "",
          `${bytesText(list.usedBytes)} of ${bytesText(list.quotaBytes)}`,
        ])
      })
    })
  command
    .command("add")
    .description("Gets a model, verifies it, and gives it a name.")
    .argument("<model>", "a file, or a reference")
    .argument("[name]", "the name to give it")
    .action(async (model: string, name: string | undefined, _, c: Command) => {
      const { json, data } = c.optsWithGlobals<GlobalOptions>()
      await withBridge(data, async (request) => {
        const added = (await request("POST", "/v1/models", {
          reference: toReference(model),
          ...(name && { name }),
        })) as { sha256: string; bytes: number }
        say(json, added, [`sha256:${added.sha256}  ${bytesText(added.bytes)}${name ? `  ${name}` : ""}`])
      })
    })
  command
    .command("remove")
    .description("Removes a name, or a stored model by its SHA-256.")
    .argument("<model>", "name or sha256:…")
    .action(async (model: string, _, c: Command) => {
      const { json, data } = c.optsWithGlobals<GlobalOptions>()
      await withBridge(data, async (request) => {
        const removed = (await request("DELETE", `/v1/models/${encodeURIComponent(model)}`)) as object
        say(json, removed, [`removed ${model}`])
      })
    })
  return command
}

export async function withBridge(
  data: string | undefined,
  work: (request: BridgeClient["request"], bridge: BridgeClient) => Promise<void>,
): Promise<void> {
  const bridge = await connect(data ?? defaultDataDir())
  try {
    await work(bridge.request, bridge)
  } finally {
    bridge.close()
  }
}
