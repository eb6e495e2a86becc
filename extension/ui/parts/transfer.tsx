import { useSignal } from "@preact/signals"
import { bytes } from "../words.ts"

/** What goes in or out: in words, and while it is on its way how many bytes of how many have come. */
interface TransferState {
  text: string
  done?: number
  of?: number
}

export interface Transfer {
  readonly state: TransferState | undefined
  /** Does `work`, which tells of each byte count of `of` that it has reached, and gives the words for the end. */
  run(text: string, of: number, work: (tell: (done: number) => void) => Promise<string>): Promise<void>
}

export function useTransfer(): Transfer {
  const state = useSignal<TransferState | undefined>(undefined)
  return {
    state: state.value,
    async run(text, of, work) {
      const tell = (done: number) => {
        state.value = { text, done, of }
      }
      let end: TransferState | undefined
      try {
        tell(0)
        end = { text: await work(tell) }
      } finally {
        state.value = end
      }
    },
  }
}

/** Told to a screen reader when it begins and when it is done; so it is there before there is something to say. */
export function TransferLine({ transfer: { state }, testId }: { transfer: Transfer; testId: string }) {
  const { text, done = 0, of } = state ?? {}
  return (
    <>
      <p
        role="status"
        class="small"
        data-testid={testId}
        data-state={!state ? "idle" : of === undefined ? "done" : "busy"}
      >
        {text}
      </p>
      {of !== undefined && (
        <progress aria-label={text} aria-valuetext={bytes(done)} value={done} max={Math.max(of, 1)} />
      )}
    </>
  )
}
