/**
 * `node scripts/freeze-previous.ts COMMIT`: bundles what a released version says to others (Node client, bridge-server, native host, an agent and its
 * pool, a page and what serves it) into test/support/previous/, for the tests that let it meet this one. Run with the last release's commit when PROTOCOL_VERSION or the version goes up.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { repoRoot } from "./sources.ts"

const git = (...args: string[]) => execFileSync("git", args, { cwd: repoRoot, maxBuffer: 2 ** 28 })

/** What others meet of it and the tests use, and the program that browsers start. */
const entries = { bundle: "test/support/previous/parts.ts", "native-host": "native-host/main.ts" }

const [commit] = process.argv.slice(2)
if (!commit) {
  console.error("usage: node scripts/freeze-previous.ts COMMIT")
  process.exit(2)
}
const dir = mkdtempSync(path.join(tmpdir(), "ipfa previous "))
try {
  execFileSync("tar", ["-x", "-C", dir], { input: git("archive", commit) })
  // Of what it imports, esbuild takes in what is its own; packages stay outside and are this version's.
  symlinkSync(path.join(repoRoot, "node_modules"), path.join(dir, "node_modules"))
  const out = path.join(repoRoot, "test", "support", "previous")
  mkdirSync(out, { recursive: true })
  let bytes = 0
  for (const [name, entry] of Object.entries(entries)) {
    const { outputFiles } = await build({
      entryPoints: [path.join(dir, entry)],
      bundle: true,
      minify: true,
      write: false,
      platform: "node",
      format: "esm",
      target: "node22",
      external: ["fastify", "@fastify/*", "@duckdb/*", "onnxruntime-node", "pino", "prom-client", "ws", "uqr"],
    })
    const packed = gzipSync(outputFiles[0]?.contents as Uint8Array, { level: 9 })
    writeFileSync(path.join(out, `${name}.mjs.gz`), packed)
    bytes += packed.byteLength
  }
  // It reads them when it starts.
  const { version, engines } = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"))
  const about = { commit: git("rev-parse", "--short=12", commit).toString().trim(), version, engines }
  writeFileSync(path.join(out, "about.json"), `${JSON.stringify(about, null, 2)}\n`)
  console.log(`${(bytes / 1000).toFixed(0)} kB of ${version} (${about.commit})`)
} finally {
  rmSync(dir, { recursive: true })
}
