import { Fault } from "./fault.tsx"
import type { OwnerView } from "./owner.ts"
import { useAction } from "./parts/action.ts"
import { Switch } from "./parts/switch.tsx"
import { t } from "./text.tsx"

/** Whether a site may ask and compute at all, whatever it was granted. */
export function SiteSwitch({ view: { peer, snapshot }, origin }: { view: OwnerView; origin: string }) {
  const on = !snapshot.blocked.includes(origin)
  const turn = useAction(() => peer.call("site.switch", { origin, on: !on }))
  return (
    <>
      <Switch
        on={on}
        label={t("siteSwitch")}
        note={on ? undefined : t("siteOff")}
        name={t("siteSwitchName", origin)}
        testId="site-switch"
        onChange={() => void turn.run()}
      />
      <Fault error={turn.fault.value} />
    </>
  )
}
