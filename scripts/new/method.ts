import type { Scaffold } from "./scaffold.ts"
import {
  addLine,
  addToBlock,
  capitalised,
  identifier,
  Refusal,
  type Repository,
  required,
  UNWRITTEN,
} from "./scaffold.ts"

const folder = "protocol/methods"
const index = `${folder}/index.ts`

/** The declaration of `area.verb`, in the file where that area's methods are, with no params and no result yet. */
export function newMethod(name: string, repository: Repository): Scaffold {
  const [, area, verb] = /^([a-z][a-zA-Z0-9]{0,39})\.([a-z][a-zA-Z0-9]{0,39})$/.exec(name) ?? []
  if (!area || !verb) throw new Refusal(`"${name}" is no name for a method: use area.verb, such as session.open.`)
  const files = repository.list(folder).filter((file) => file.endsWith(".ts"))
  const declares = (file: string, what: string) => required(repository, `${folder}/${file}`).includes(`name: "${what}`)
  const holder = files.find((file) => declares(file, `${name}"`))
  if (holder) throw new Refusal(`There is a method ${name} already, in ${folder}/${holder}.`)
  const id = identifier(verb) + capitalised(area)
  const taken = files.find((file) => new RegExp(`\\b${id}\\b`).test(required(repository, `${folder}/${file}`)))
  if (taken) throw new Refusal(`The name ${id} is taken: it stands in ${folder}/${taken}.`)
  // An area whose file is called otherwise (benchmark.run is in status.ts) stays where it is.
  const own = `${area}.ts`
  if (own === "index.ts" || own === "shared.ts")
    throw new Refusal(`${own} is no file for methods: name the area differently.`)
  const file = files.includes(own) ? own : (files.find((one) => declares(one, `${area}.`)) ?? own)
  const path = `${folder}/${file}`
  const before = repository.read(path) ?? head
  const list = addToBlock(
    index,
    addLine(required(repository, index), `import { ${id} } from "./${file}"`),
    /export const methods = \[[\s\S]*?\n\] as const/,
    `  ${id},\n`,
  )
  return {
    files: {
      [path]: `${before.trimEnd()}\n${declaration(name, id)}`,
      [index]: repository.read(path) === undefined ? `${list.trimEnd()}\nexport * from "./${file}"\n` : list,
    },
    generators: ["generate-docs.ts"],
    next: [
      `Write its title, grant, params, result and errors in ${path}; every "${UNWRITTEN}" has to go.`,
      "Answer it where the connection is served (a handler by its name), with a test under test/.",
      "Then: npm run generate, which documents it in docs/protocol.md",
    ],
  }
}

const head = `import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
`

const declaration = (name: string, id: string) => `
export const ${id} = defineMethod({
  name: "${name}",
  title: "${UNWRITTEN} what it does, in one sentence.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})
`
