import { useSignal } from "@preact/signals"
import { useRef } from "preact/hooks"
import { Fault } from "./fault.tsx"
import type { OwnerView } from "./owner.ts"
import { Choice } from "./parts/choice.tsx"
import { t } from "./text.tsx"
import { usePrefer } from "./use-prefer.ts"
import { bytes } from "./words.ts"

const GB = 1e9

/**
 * Disk for stored models. An amount that would delete some of them holds only once the person has said so: who steps through the amounts by
 * keyboard chooses each of them.
 */
export function DiskChoice({ view }: { view: OwnerView }) {
  const { peer, snapshot } = view
  const now = snapshot.preferences.storeBytes
  const { prefer, fault } = usePrefer(view)
  /** What was chosen and does not hold yet. */
  const chosen = useSignal<number | undefined>(undefined)
  /** What is stored, bytes, while it is asked whether some of it may go. */
  const stored = useSignal<number | undefined>(undefined)
  const select = useRef<HTMLSelectElement>(null)
  const keep = () => {
    chosen.value = stored.value = undefined
  }
  const take = async (value: number) => {
    stored.value = undefined
    await prefer({ storeBytes: value })
    if (chosen.peek() === value) keep()
  }
  const choose = async (value: number) => {
    if (value === now) return keep()
    chosen.value = value
    stored.value = undefined
    // Of a store that can't be read nothing goes either.
    const { models } = await peer.call("model.list", {}).catch(() => ({ models: [] }))
    if (chosen.peek() !== value) return
    // What is left of others that came in part goes first, and nobody misses it.
    const taken = models.reduce((sum, model) => sum + model.bytes, 0)
    if (taken > value && models.some(({ pinned }) => !pinned)) stored.value = taken
    else await take(value)
  }
  /** Whoever pressed by keyboard goes on from the amounts. */
  const answer = (act: () => unknown) => () => {
    select.current?.focus()
    act()
  }
  return (
    <>
      <Choice
        label={t("disk")}
        note={t("diskNote")}
        testId="disk"
        select={select}
        value={chosen.value ?? now}
        values={[0.5, 1, 2, 4, 8, 16, 32, 64].map((count) => count * GB)}
        words={bytes}
        onChange={(value) => void choose(value)}
      />
      {/* The focus stays on the amounts: so it is told. */}
      <div role="status">
        {stored.value !== undefined && chosen.value !== undefined && (
          <fieldset class="row sure">
            <legend class="small">{t("diskSure", bytes(stored.value), bytes(chosen.value))}</legend>
            <button type="button" data-testid="disk-keep" onClick={answer(keep)}>
              {t("keep")}
            </button>
            <button
              type="button"
              class="danger"
              data-testid="disk-sure"
              onClick={answer(() => take(chosen.peek() ?? now))}
            >
              {t("delete")}
            </button>
          </fieldset>
        )}
      </div>
      <Fault error={fault} />
    </>
  )
}
