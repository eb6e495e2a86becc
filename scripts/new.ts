/** `npm run new -- kernel|method|backend|model NAME`: makes and registers all the files one needs. */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { newBackend } from "./new/backend.ts"
import { newKernel } from "./new/kernel.ts"
import { newMethod } from "./new/method.ts"
import { newModel } from "./new/model.ts"
import { Refusal, type Repository, type Scaffold } from "./new/scaffold.ts"
import { repoRoot } from "./sources.ts"

const kinds: Record<string, (name: string, repository: Repository) => Scaffold> = {
  kernel: newKernel,
  method: newMethod,
  backend: newBackend,
  model: newModel,
}

const usage = `npm run new -- KIND NAME

  kernel NAME        a WGSL kernel in kernels/ops/NAME, with host, reference and cases (layer-norm)
  method AREA.VERB   a method of the protocol in protocol/methods (session.open)
  backend NAME       a backend in engine/backends/NAME.ts (webgl)
  model NAME         a model's folder, models/NAME, with the script that makes it (spam-filter)`

const repository: Repository = {
  read(file) {
    const full = path.join(repoRoot, file)
    return existsSync(full) ? readFileSync(full, "utf8") : undefined
  },
  list(folder) {
    const full = path.join(repoRoot, folder)
    return existsSync(full) ? readdirSync(full) : []
  },
}

function run(command: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: repoRoot, encoding: "utf8" })
  if (status !== 0) throw new Refusal(`${[path.basename(command), ...args].join(" ")} failed:\n${stdout}${stderr}`)
}

function write({ files, generators = [], next }: Scaffold): void {
  const made = Object.keys(files).filter((file) => !existsSync(path.join(repoRoot, file)))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(repoRoot, file)), { recursive: true })
    writeFileSync(path.join(repoRoot, file), text)
  }
  const formatted = Object.keys(files).filter((file) => /\.(ts|md)$/.test(file))
  if (formatted.length > 0)
    run(process.execPath, [
      path.join(repoRoot, "node_modules", "@biomejs", "biome", "bin", "biome"),
      "check",
      "--write",
      ...formatted,
    ])
  for (const generator of generators)
    if (existsSync(path.join(repoRoot, "scripts", generator))) run(process.execPath, [path.join("scripts", generator)])
  for (const file of Object.keys(files)) console.log(`${made.includes(file) ? "made    " : "changed "} ${file}`)
  console.log(`\nNext:\n${next.map((sentence, i) => `${i + 1}. ${sentence}`).join("\n")}`)
}

const [kind, name, ...rest] = process.argv.slice(2)
const make = kind === undefined ? undefined : Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
if (!make || !name || rest.length > 0) {
  const asked = kind === undefined || kind === "--help"
  console[asked ? "log" : "error"](
    asked || make ? usage : `"${kind}" is none of ${Object.keys(kinds).join(", ")}.\n\n${usage}`,
  )
  process.exit(kind === "--help" ? 0 : 1)
}
try {
  write(make(name, repository))
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  console.error(error.message)
  process.exit(1)
}
