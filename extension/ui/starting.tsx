import { EraseButton } from "./erase-card.tsx"
import { Fault } from "./fault.tsx"
import { unready } from "./owner.ts"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"

/** Stands where there is no snapshot to show: the supervisor starts, or can't. */
export function Starting() {
  const now = unready.value
  if (!now)
    return (
      <p class="soft" role="status">
        {t("starting")}
      </p>
    )
  return (
    <Card id="unready" title="unready">
      <Fault error={now.error} />
      <p>{t("unreadyHelp")}</p>
      <p class="small soft">{t("eraseWhat")}</p>
      <div class="row">
        <EraseButton peer={now.peer} />
      </div>
    </Card>
  )
}
