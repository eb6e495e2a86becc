import { useLayoutEffect, useRef } from "preact/hooks"
import { EraseButton } from "./erase-card.tsx"
import { Fault } from "./fault.tsx"
import { unready } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"

/** Stands where there is no snapshot to show: the supervisor starts, or can't. */
export function Starting() {
  const now = unready.value
  const row = useRef<HTMLDivElement>(null)
  const wasTried = useRef(false)
  // Whoever had it tried by keyboard goes on from there where it was in vain.
  useLayoutEffect(() => {
    if (!now || !wasTried.current) return
    wasTried.current = false
    row.current?.querySelector("button")?.focus()
  })
  if (!now)
    return (
      <p class="soft" role="status">
        {t("starting")}
      </p>
    )
  const { peer, error } = now
  const tryAgain = async () => {
    wasTried.current = true
    await peer.call("owner.restart", {})
    await peer.closed
  }
  return (
    <Card id="unready" title="unready">
      <Fault error={error} />
      <p>{t("unreadyHelp")}</p>
      <p class="small soft">{t("eraseWhat")}</p>
      <div class="row" ref={row}>
        <ActionButton look="primary" label="tryAgain" testId="try-again" work={tryAgain} />
        <EraseButton peer={peer} />
      </div>
    </Card>
  )
}
