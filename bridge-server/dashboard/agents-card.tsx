import type { BridgeView } from "../../protocol/index.ts"
import { Table } from "./table.tsx"
import { when } from "./words.ts"

const columns = [
  { title: "Agent" },
  { title: "Kind" },
  { title: "Version" },
  { title: "Devices" },
  { title: "Running", number: true },
  { title: "Waiting", number: true },
  { title: "Joined" },
  { title: "State" },
]

export function AgentsCard({ view: { members } }: { view: BridgeView }) {
  return (
    <section class="card" aria-labelledby="agents">
      <h2 id="agents">Agents</h2>
      {members.length === 0 ? (
        <p class="soft">Nobody has joined.</p>
      ) : (
        <Table label="Agents" columns={columns}>
          {members.map(({ agent, browser, version, devices, running, waiting, joinedAt, suspect }) => (
            <tr key={agent} data-testid="agent" data-agent={agent}>
              <th scope="row" class="mono">
                {agent}
              </th>
              <td>{browser}</td>
              <td>{version}</td>
              <td>{devices.join(", ") || "none"}</td>
              <td class="number">{running}</td>
              <td class="number">{waiting}</td>
              <td>{when(joinedAt)}</td>
              <td class={suspect ? "warn" : "good"}>{suspect ? "silent" : "here"}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
