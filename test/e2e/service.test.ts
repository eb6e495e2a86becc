import { execFile } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { files } from "../../bridge-server/files.ts"

let dir: string
let env: NodeJS.ProcessEnv
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa service "))
  const bin = path.join(dir, "bin")
  mkdirSync(bin)
  // Stands in for the service manager, which a test must not change: starts once what the unit says, and ends it.
  const unit = path.join(dir, "systemd", "user", "ipfs-accelerate.service")
  const script = `#!/bin/sh
case "$*" in
  *"enable --now"*)
    eval "$(sed -n 's/^ExecStart=//p' "${unit}") > /dev/null 2>&1 &"
    echo $! > "${dir}/pid" ;;
  *"disable --now"*) kill "$(cat "${dir}/pid")" ;;
esac
`
  writeFileSync(path.join(bin, "systemctl"), script)
  chmodSync(path.join(bin, "systemctl"), 0o755)
  env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, XDG_CONFIG_HOME: dir, IPFA_DATA: path.join(dir, "data") }
})
afterEach(async () => {
  await cli("service", "uninstall")
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
})

/** The command line, with --json. */
function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const words = [fileURLToPath(files.cli), args[0] as string, args[1] as string, "--json", ...args.slice(2)]
    execFile(process.execPath, words, { cwd: dir, env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}
const install = (port: number) =>
  cli("service", "install", "--", "--port", String(port), "--no-native", "--no-evidence")

test.skipIf(process.platform !== "linux")(
  "service install says where it answers once it does, and where it can't start, why, in words and by its exit code",
  async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
    const { port } = other.address() as { port: number }
    const refused = await install(port)
    other.close()
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("IPFA_BRIDGE_PORT: The port is in use.") })
    expect(JSON.parse(refused.out).error.code).toBe("IPFA_BRIDGE_SERVICE")
    const log = readFileSync(path.join(dir, "data", "logs", "bridge.log"), "utf8")
    expect(JSON.parse(log)).toMatchObject({ level: 60, err: { code: "IPFA_BRIDGE_PORT" } })

    const { code, out } = await install(0)
    const { http } = JSON.parse(out)
    expect([code, (await fetch(`${http}/healthz`)).status]).toEqual([0, 200])
    expect(JSON.parse((await cli("service", "uninstall")).out)).toMatchObject({ removed: true })
    await expect.poll(() => existsSync(path.join(dir, "data", "bridge.json")), { timeout: 20_000 }).toBe(false)
  },
  90_000,
)
