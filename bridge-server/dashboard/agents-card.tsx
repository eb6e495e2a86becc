import type { BridgeView } from "../../protocol/index.ts"
import { Literal } from "../page-parts/page.tsx"
import { language, t } from "../page-parts/text.tsx"
import { when } from "../page-parts/words.ts"
import { type Column, Table } from "./table.tsx"

const columns: Column[] = [
  { title: "agent" },
  { title: "state" },
  { title: "running", number: true },
  { title: "waiting", number: true },
  { title: "devices" },
  { title: "kind" },
  { title: "version" },
  { title: "joined" },
]

export function AgentsCard({ view: { members } }: { view: BridgeView }) {
  return (
    <section class="card" aria-labelledby="agents">
      <h2 id="agents">{t("agents")}</h2>
      {members.length === 0 ? (
        <p class="soft">{t("agentsNone")}</p>
      ) : (
        <Table label={t("agents")} columns={columns}>
          {members.map(({ agent, browser, version, devices, running, waiting, joinedAt, suspect }) => (
            <tr key={agent} data-testid="agent" data-agent={agent}>
              <th scope="row">
                <Literal text={agent} />
              </th>
              <td class={suspect ? "warn" : "good"}>{t(suspect ? "silent" : "here")}</td>
              <td class="number">{running.toLocaleString(language())}</td>
              <td class="number">{waiting.toLocaleString(language())}</td>
              <td>
                <bdi>{devices.join(", ") || t("none")}</bdi>
              </td>
              <td>{browser}</td>
              <td>{version}</td>
              <td>{when(joinedAt)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
