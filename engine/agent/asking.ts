import type { RefObject } from "preact"
import { useLayoutEffect, useRef, useState } from "preact/hooks"

/** A button that asks before it does what can't be undone: it stands, or its question in its place. */
export interface Asking {
  readonly isOpen: boolean
  open(): void
  close(): void
  /** The button. */
  readonly button: RefObject<HTMLButtonElement | null>
  /** What does nothing, in the question. */
  readonly keep: RefObject<HTMLButtonElement | null>
}

/** Whoever pressed the button by keyboard goes on from the question, and after it from the button. */
export function useAsking(): Asking {
  const [isOpen, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const keep = useRef<HTMLButtonElement>(null)
  const wasOpen = useRef(false)
  useLayoutEffect(() => {
    if (isOpen) keep.current?.focus()
    else if (wasOpen.current) button.current?.focus()
    wasOpen.current = isOpen
  }, [isOpen])
  return { isOpen, open: () => setOpen(true), close: () => setOpen(false), button, keep }
}
