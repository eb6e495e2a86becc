import { displayOrigin } from "../gate/origin.ts"
import { Text } from "./text.tsx"

/** An origin as certificates spell it, and in letters beside it where that looks different. */
export function OriginName({ origin }: { origin: string }) {
  const { ascii, letters } = displayOrigin(origin)
  return (
    <div class="stack">
      <strong class="mono">
        <bdi>{ascii}</bdi>
      </strong>
      {letters && (
        <span class="small warn">
          <Text of="lookAlike" with={[<bdi key="letters">{letters}</bdi>]} />
        </span>
      )}
    </div>
  )
}
