import type { BridgeView } from "../../protocol/index.ts"
import { Table } from "./table.tsx"
import { when } from "./words.ts"

const columns = [
  { title: "Code" },
  { title: "Times", number: true },
  { title: "Last" },
  { title: "What it said" },
  { title: "Device" },
]

export function ErrorsCard({ view: { errors } }: { view: BridgeView }) {
  return (
    <section class="card" aria-labelledby="errors">
      <h2 id="errors">Errors</h2>
      {errors.length === 0 ? (
        <p class="soft">None since the start.</p>
      ) : (
        <Table label="Errors" columns={columns}>
          {errors.map(({ code, count, at, message, device }) => (
            <tr key={code} data-testid="error" data-code={code}>
              <th scope="row" class="mono">
                {code}
              </th>
              <td class="number" data-testid="times">
                {count}
              </td>
              <td>{when(at)}</td>
              <td class="prose">{message}</td>
              <td class="mono">{device ?? ""}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
