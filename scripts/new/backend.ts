import type { Scaffold } from "./scaffold.ts"
import {
  addToBlock,
  capitalised,
  identifier,
  kebabName,
  Refusal,
  type Repository,
  required,
  UNWRITTEN,
} from "./scaffold.ts"

const folder = "engine/backends"
const index = `${folder}/index.ts`
const names = `${folder}/names.ts`

/** A browser's backend that says of itself, truly, that it has no device yet. */
export function newBackend(name: string, repository: Repository): Scaffold {
  kebabName("backend", name)
  if (name.length > 32) throw new Refusal(`"${name}" is too long: a selector's backend has at most 32 characters.`)
  if (name.startsWith("native-"))
    throw new Refusal(`${name} would be an execution provider of onnxruntime-node: add it to ${folder}/node.ts.`)
  const path = `${folder}/${name}.ts`
  if (repository.read(path) !== undefined) throw new Refusal(`${path} is there already.`)
  const text = required(repository, index)
  if (text.includes(`name: "${name}"`)) throw new Refusal(`There is a backend ${name} already, in ${index}.`)
  const create = `create${capitalised(identifier(name))}`
  return {
    files: {
      [path]: backend(name, create),
      [index]: addToBlock(
        index,
        text,
        /browserBackends[^=]*= \[[\s\S]*?\n\]/,
        `  defineBackend({
    name: "${name}",
    title: "${UNWRITTEN} what it computes on, and by which runtime",
    platform: "browser",
    create: async (options) => (await import("./${name}.ts")).${create}(options),
  }),\n`,
      ),
      [names]: addToBlock(names, required(repository, names), /browserBackendNames = \[[^\]]*\]/, `"${name}"`),
    },
    next: [
      `Until it is written, every pool reports ${name} absent with that reason. Write probe() and open() in ${path}; every "${UNWRITTEN}" has to go.`,
      `Read ${folder}/README.md and wasm.ts, the plainest. probe() computes a known case (engine/probe), so that a device that is listed is right.`,
      "Then run a model on it in a real browser, in a test under test/e2e.",
    ],
  }
}

const backend = (name: string, create: string) => `import { fail } from "../../protocol/index.ts"
import type { Backend } from "../backend.ts"

/** ${UNWRITTEN} what it computes on, by which runtime, and where kept tensors stay. */
export async function ${create}(_options: { assetsUrl?: string; threads?: number }): Promise<Backend> {
  const reason = "this backend is not written yet"
  return {
    name: "${name}",
    async probe() {
      // ${UNWRITTEN} find the devices, and list those on which probeKnownModel (../probe/index.ts) comes out right.
      return { devices: [], absent: [{ id: "${name}", backend: "${name}", reason }] }
    },
    async open(_files, device) {
      // ${UNWRITTEN} open the model on a device that probe() listed.
      throw fail("IPFA_DEVICE_ABSENT", { data: { device, reason } })
    },
  }
}
`
