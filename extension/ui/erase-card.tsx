import type { Peer } from "../../protocol/index.ts"
import type { OwnerView } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"

/** Deletes all that the extension keeps. */
export function EraseCard({ view: { peer, snapshot } }: { view: OwnerView }) {
  const { unerased } = snapshot
  return (
    <Card id="erase" title="erase">
      <p>{t("eraseWhat")}</p>
      {unerased.length > 0 && (
        <p role="alert" class="bad">
          {t("eraseLeft", unerased.join(", "))}
        </p>
      )}
      <div class="row">
        <EraseButton peer={peer} />
      </div>
    </Card>
  )
}

export function EraseButton({ peer }: { peer: Peer }) {
  return (
    <ActionButton
      look="danger"
      label="eraseAll"
      sure={t("eraseSure")}
      testId="erase"
      work={() => peer.call("owner.erase", {})}
    />
  )
}
