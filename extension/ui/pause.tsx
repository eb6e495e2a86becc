import type { OwnerView } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { State } from "./parts/state.tsx"
import { t } from "./text.tsx"

/** Pauses all computing, or lets it go on. */
export function PauseButton({ view: { peer, snapshot } }: { view: OwnerView }) {
  const { paused } = snapshot.preferences
  return (
    <ActionButton
      label={paused ? "resume" : "pause"}
      testId="pause"
      work={() => peer.call("owner.prefer", { paused: !paused })}
    />
  )
}

/** Why nothing is computed, where that is so. */
export function PauseLine({ view: { snapshot } }: { view: OwnerView }) {
  const { paused } = snapshot
  return (
    <State tone="warn" testId={paused && "paused"} state={paused}>
      {paused && t(paused === "person" ? "pausedByPerson" : "pausedOnBattery")}
    </State>
  )
}
