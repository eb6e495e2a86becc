import type { BridgeView } from "../../protocol/index.ts"
import { Literal } from "../page-parts/page.tsx"
import { language, t } from "../page-parts/text.tsx"
import { when } from "../page-parts/words.ts"
import { type Column, Table } from "./table.tsx"

const columns: Column[] = [
  { title: "errorCode" },
  { title: "times", number: true },
  { title: "whatItSaid" },
  { title: "last" },
  { title: "device" },
]

export function ErrorsCard({ view: { errors } }: { view: BridgeView }) {
  return (
    <section class="card" aria-labelledby="errors">
      <h2 id="errors">{t("errors")}</h2>
      {errors.length === 0 ? (
        <p class="soft">{t("errorsNone")}</p>
      ) : (
        <Table label={t("errors")} columns={columns}>
          {errors.map(({ code, count, at, message, device }) => (
            <tr key={code} data-testid="error" data-code={code}>
              <th scope="row">
                <Literal text={code} />
              </th>
              <td class="number" data-testid="times">
                {count.toLocaleString(language())}
              </td>
              <td class="prose" lang="en">
                <bdi>{message}</bdi>
              </td>
              <td>{when(at)}</td>
              <td>{device && <Literal text={device} />}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
