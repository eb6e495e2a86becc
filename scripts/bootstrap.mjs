// Runs with whatever Node a machine has (≥ 20.10): installs what is missing, then hands over to scripts/COMMAND.ts on the Node that the lockfile names.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [command, ...args] = process.argv.slice(2)
const [major, minor] = process.versions.node.split(".").map(Number)
const say = (text) => process.stderr.write(`${text}\n`)

if (major < 20 || (major === 20 && minor < 10)) {
  say(
    `Node ${process.versions.node} is too old: version 20.10 or newer is needed to begin (https://nodejs.org, or your distribution's package nodejs).`,
  )
  process.exit(1)
}

const stamp = path.join(root, "node_modules", ".ipfs-accelerate-installed")
const wanted = createHash("sha256")
  .update(`${process.platform} ${process.arch}\n`)
  .update(readFileSync(path.join(root, "package-lock.json")))
  .digest("hex")
const node = path.join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node")

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted || !existsSync(node)) {
  say("Installing dependencies (the first time this takes a minute or two) …")
  // The onnxruntime-node install script would fetch CUDA libraries from outside npm.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" }
  const npm = process.env.npm_execpath
  const run = npm ? [process.execPath, [npm]] : [process.platform === "win32" ? "npm.cmd" : "npm", []]
  // Progress belongs on stderr: stdout is for what the command says (--json).
  // Not `npm ci`: it refuses a lockfile whose registry lacked some other platform's optional package when it was written.
  // The lockfile's versions and digests are kept all the same, and neither it nor package.json is changed.
  const { status } = spawnSync(
    run[0],
    [...run[1], "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      env,
      stdio: ["ignore", 2, "inherit"],
      shell: !npm && process.platform === "win32",
    },
  )
  if (status !== 0 || !existsSync(node)) {
    say(
      "Dependencies could not be installed: npm's message above says why. Is the npm registry reachable, and the disk not full?",
    )
    process.exit(1)
  }
  writeFileSync(stamp, wanted)
}

const child = spawn(node, [path.join(root, "scripts", `${command}.ts`), ...args], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: path.join(root, "node_modules", ".bin") + path.delimiter + process.env.PATH },
})
// A terminal sends Ctrl-C to both; the command ends in its own time and this waits for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => signal !== "SIGINT" && child.kill(signal))
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
