import { useEffect, useState } from "preact/hooks"

/** How long the window must have been in front before a decision counts, ms: what was meant for the page below must not land here. */
const ARMING_MS = 700

/** True once the window has been visible and in focus for a while. */
export function useArmed(): boolean {
  const [armed, setArmed] = useState(false)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const update = () => {
      clearTimeout(timer)
      setArmed(false)
      if (document.hasFocus() && document.visibilityState === "visible") timer = setTimeout(setArmed, ARMING_MS, true)
    }
    update()
    window.addEventListener("focus", update)
    window.addEventListener("blur", update)
    document.addEventListener("visibilitychange", update)
    return () => {
      clearTimeout(timer)
      window.removeEventListener("focus", update)
      window.removeEventListener("blur", update)
      document.removeEventListener("visibilitychange", update)
    }
  }, [])
  return armed
}
