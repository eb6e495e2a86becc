import { nodeLibrary } from "../../engine/store/node.ts"

/** A process of its own that acquires a model: `node store-child.ts DIR URL`. Prints one JSON line for each progress, then the result, or the code that it failed with. */
const [dir, url] = process.argv.slice(2) as [string, string]
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
try {
  const model = await nodeLibrary({ dir, allowLoopback: true }).acquire(url, { owner: "bridge" }, { onProgress: say })
  say({ sha256: model.sha256, stored: model.stored, read: (await model.read()).byteLength })
} catch (error) {
  say({ code: (error as { code?: string }).code ?? String(error) })
}
