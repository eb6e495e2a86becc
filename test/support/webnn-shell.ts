export { launchWebnnShell } from "../../scripts/start/webnn-shell.ts"
