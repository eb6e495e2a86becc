import { Fault } from "./fault.tsx"
import type { OwnerView } from "./owner.ts"
import { State } from "./parts/state.tsx"
import { t } from "./text.tsx"
import { usePrefer } from "./use-prefer.ts"

/** Pauses all computing, or lets it go on. Either holds at once, so that the other may be wanted before it is stored. */
export function PauseButton({ view }: { view: OwnerView }) {
  const { paused } = view.snapshot.preferences
  const { prefer, fault } = usePrefer(view)
  return (
    <>
      <button type="button" data-testid="pause" onClick={() => void prefer({ paused: !paused })}>
        {t(paused ? "resume" : "pause")}
      </button>
      <Fault error={fault} />
    </>
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
