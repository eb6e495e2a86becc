import { readFileSync } from "node:fs"
import { files } from "./files.ts"

/** The version of this package, as its package.json says. */
export const VERSION: string = JSON.parse(readFileSync(files.packageJson, "utf8")).version
