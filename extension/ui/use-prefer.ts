import { useSignal } from "@preact/signals"
import type { Preferences } from "../../protocol/index.ts"
import type { OwnerView } from "./owner.ts"

/** Changes what the person prefers, and what that failed with; resolves either way. */
export function usePrefer({ peer }: OwnerView): {
  prefer(changes: Partial<Preferences>): Promise<void>
  fault: unknown
} {
  const fault = useSignal<unknown>(undefined)
  return {
    async prefer(changes) {
      fault.value = undefined
      await peer.call("owner.prefer", changes).catch((error: unknown) => {
        fault.value = error
      })
    },
    fault: fault.value,
  }
}
