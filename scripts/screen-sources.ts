import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { listSources, repoRoot } from "./sources.ts"

/** Of what the pictures in docs/screens are, beside them. */
const file = path.join(repoRoot, "docs", "screens", "sources.sha256")

const parts = [
  "extension/ui/",
  "extension/public/_locales/",
  ...["page-parts", "dashboard", "worker-page"].map((folder) => `bridge-server/${folder}/`),
  ...["error-sentences.ar.json", "fault.tsx", "messages.ts", "screen-words.ts", "theme-color.ts"].map(
    (name) => `engine/agent/${name}`,
  ),
]

/** SHA-256 of what the screens are made of: their code, styles and words. */
function screensDigest(): string {
  const hash = createHash("sha256")
  for (const source of listSources([".ts", ".tsx", ".css", "messages.json", "sentences.ar.json"]))
    if (parts.some((part) => source.startsWith(part)))
      hash.update(`${source}\n`).update(readFileSync(path.join(repoRoot, source)))
  return hash.digest("hex")
}

/** To be called once all pictures were taken. */
export function notePictures(): void {
  writeFileSync(file, `${screensDigest()}\n`)
}

/** Whether the screens were changed after their pictures were taken. */
export const arePicturesOld = (): boolean => !existsSync(file) || readFileSync(file, "utf8").trim() !== screensDigest()
