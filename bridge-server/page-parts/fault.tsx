import { Fault as FaultIn, FaultWords as FaultWordsIn, type Told } from "../../engine/agent/fault.tsx"
import { fail } from "../../protocol/index.ts"
import { language } from "./text.tsx"

/** What went wrong, in the page's language. Nothing where nothing did. */
export const Fault = ({ error }: { error: unknown }) => <FaultIn language={language()} error={named(error)} />

/** The same within a line. */
export const FaultWords = (told: Told) => <FaultWordsIn language={language()} {...told} />

/** What a page is told by each part of the browser's storage, where it may keep nothing. */
function named(error: unknown): unknown {
  const isDenied = error instanceof DOMException && error.name === "SecurityError"
  return isDenied ? fail("IPFA_STORE_DENIED", { cause: error }) : error
}
