import { displayOrigin } from "../gate/origin.ts"

/** An origin as certificates spell it, and in letters beside it where that looks different. */
export function OriginName({ origin }: { origin: string }) {
  const { ascii, letters } = displayOrigin(origin)
  return (
    <div class="stack">
      <strong class="mono">{ascii}</strong>
      {letters && (
        <span class="small warn">
          In letters this reads <bdi>{letters}</bdi>. Is it the site you mean?
        </span>
      )}
    </div>
  )
}
