import { Fault as FaultIn, FaultWords as FaultWordsIn, type Told } from "../../engine/agent/fault.tsx"
import { language } from "./text.tsx"

/** What went wrong, in the screens' language. Nothing where nothing did. */
export const Fault = ({ error }: { error: unknown }) => <FaultIn language={language()} error={error} />

/** The same within a line. */
export const FaultWords = (told: Told) => <FaultWordsIn language={language()} {...told} />
