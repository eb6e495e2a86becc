import { webnnShellAbsent } from "../../bridge-server/browsers.ts"

export { launchWebnnShell } from "../../scripts/start/webnn-shell.ts"

const absent = webnnShellAbsent()
/** Why tests in the shell are skipped, to follow their title; empty where it is there. */
export const noWebnnShell = absent ? ` (${absent})` : ""
