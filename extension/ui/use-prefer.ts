import { useSignal } from "@preact/signals"
import type { Preferences } from "../../protocol/index.ts"
import type { OwnerView } from "./owner.ts"

/** Changes what the person prefers, and what that failed with. */
export function usePrefer({ peer }: OwnerView): { prefer(changes: Partial<Preferences>): void; fault: unknown } {
  const fault = useSignal<unknown>(undefined)
  return {
    prefer(changes) {
      fault.value = undefined
      peer.call("owner.prefer", changes).catch((error: unknown) => {
        fault.value = error
      })
    },
    fault: fault.value,
  }
}
