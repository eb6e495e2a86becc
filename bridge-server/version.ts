import { readFileSync } from "node:fs"
import { files } from "./files.ts"

const { version, engines } = JSON.parse(readFileSync(files.packageJson, "utf8"))

/** The version of this package, as its package.json says. */
export const VERSION: string = version
/** The oldest Node that this package runs on, as its package.json says: `22.13`. */
export const LEAST_NODE: string = engines.node.replace(">=", "")
