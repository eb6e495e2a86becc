import type { Preferences } from "../../protocol/index.ts"
import type { OwnerView } from "./owner.ts"
import { Card } from "./parts/card.tsx"
import { Switch } from "./parts/switch.tsx"
import { t } from "./text.tsx"

/** What the person decides for the whole browser. */
export function LimitsCard({ view: { peer, snapshot } }: { view: OwnerView }) {
  const { preferences } = snapshot
  const prefer = (changes: Partial<Preferences>) => void peer.call("owner.prefer", changes).catch(() => undefined)
  return (
    <Card id="limits" title="limits">
      <Switch
        on={preferences.measureIdle}
        label={t("measureIdle")}
        note={t("measureIdleNote")}
        testId="measure-idle"
        onChange={(measureIdle) => prefer({ measureIdle })}
      />
    </Card>
  )
}
