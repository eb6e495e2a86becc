import { readFileSync } from "node:fs"
import path from "node:path"
import { Command, InvalidArgumentError, Option } from "commander"
import { fail } from "../../protocol/index.ts"
import { defaultDataDir } from "../data-folder.ts"
import { createLog, LogFile, type Logger, logLevels } from "../log.ts"
import { type Bridge, type BridgeOptions, startBridge } from "../server.ts"
import { VERSION } from "../version.ts"
import { type GlobalOptions, say } from "./print.ts"

export const DEFAULT_PORT = 8790

/** A browser that restarts, or whose native host was ended, is back sooner, ms. */
const GRACE_MS = 5000

interface ServeOptions extends GlobalOptions {
  host: string
  port: number
  tlsCert?: string
  tlsKey?: string
  insecureRemote?: boolean
  name?: string[]
  model?: string[]
  native: boolean
  evidence: boolean
  threads?: number
  allowLoopbackModels?: boolean
  whileHeld?: boolean
  logLevel?: string
  logFile: boolean
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("Starts the bridge-server and stays until Ctrl-C.")
    .option(
      "--host <address>",
      "address to listen on; beyond this machine only with TLS or --insecure-remote",
      "127.0.0.1",
    )
    .option("--port <n>", "port; 0: any free one", number(0, 65_535), DEFAULT_PORT)
    .option("--tls-cert <file>", "certificate, PEM")
    .option("--tls-key <file>", "its key, PEM")
    .option(
      "--insecure-remote",
      "listen beyond this machine without TLS: anyone on the way can read the token and all tensors",
    )
    .option("--name <host...>", "further names (HOST or HOST:PORT) that clients call this bridge-server by")
    .option("--model <name=reference...>", "names for models, beside those added with `models add`")
    .option("--threads <n>", "threads of a native process (default: ONNX Runtime's choice)", number(1, 1024))
    .option("--no-native", "no native processes: only agents that join")
    .option("--no-evidence", "keep no measurements")
    .option("--while-held", "end when no browser's native host holds it any more: what a native host starts")
    .option("--allow-loopback-models", "models may come from http and https addresses of this machine")
    .addOption(
      new Option("--log-level <level>", "how much is logged (default: $IPFA_LOG, else info)").choices(logLevels),
    )
    .option("--no-log-file", "log to stderr alone, not to logs/bridge.log in the data folder too")
    .action(async (_, command: Command) => serve(command.optsWithGlobals()))
}

async function serve(options: ServeOptions): Promise<void> {
  const dataDir = path.resolve(options.data ?? defaultDataDir())
  const logFile = options.logFile ? new LogFile(path.join(dataDir, "logs")) : undefined
  const log = createLog(options.logLevel, logFile)
  const bridge = await begin(options, dataDir, log).catch(async (error: unknown) => {
    // Where a service started it, nobody may ever see stderr.
    log.fatal({ err: error }, "bridge-server could not start")
    await logFile?.close()
    throw error
  })
  const { http, ws, tokenFile } = bridge
  // Before it is said that it runs: whoever hears that may end it.
  const stopped = new Promise<string>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, resolve)
    if (options.whileHeld) void bridge.holds.released(GRACE_MS).then(() => resolve("no browser holds it"))
  })
  say(options.json, { event: "ready", http, ws, tokenFile, dataDir }, [
    `bridge-server ${VERSION} at ${http}`,
    `  documentation  ${http}/docs`,
    `  dashboard      ${http}/dashboard (ipfs-accelerate pair --dashboard)`,
    `  worker page    ${http}/worker (ipfs-accelerate pair --worker)`,
    `  token          ${tokenFile}`,
    `  data           ${dataDir}`,
    ...(logFile ? [`  log            ${logFile.path}`] : []),
    "Ctrl-C ends it and all it started.",
  ])
  const reason = await stopped
  log.info({ reason }, "stopping")
  // A second Ctrl-C means it.
  process.once("SIGINT", () => process.exit(130))
  await bridge.close()
  await logFile?.close()
  process.exitCode = 0
}

async function begin(options: ServeOptions, dataDir: string, log: Logger): Promise<Bridge> {
  return startBridge({
    dataDir,
    host: options.host,
    port: options.port,
    native: options.native,
    log,
    ...(options.threads !== undefined && { threads: options.threads }),
    ...(options.insecureRemote && { insecureRemote: true }),
    ...(options.allowLoopbackModels && { allowLoopbackModels: true }),
    ...(options.name && { alsoKnownAs: options.name }),
    ...(options.model && { aliases: aliases(options.model) }),
    ...tls(options),
    // Opened by the bridge after it has the folder: DuckDB's file has one owner.
    ...(options.evidence && {
      evidence: async (file: string) =>
        (await import("../storage/index.ts")).Evidence.open(file, {
          software: VERSION,
          onError: (err) => log.warn({ err }, "measurements could not be written, and are lost"),
        }),
    }),
  })
}

function tls({ tlsCert, tlsKey }: ServeOptions): Pick<BridgeOptions, "tls"> {
  if (!tlsCert && !tlsKey) return {}
  if (!tlsCert || !tlsKey) throw fail("IPFA_INPUT_INVALID", { message: "--tls-cert and --tls-key go together." })
  return { tls: { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) } }
}

function aliases(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=")
      if (equals < 1) throw fail("IPFA_INPUT_INVALID", { message: `--model ${pair}: expected NAME=REFERENCE.` })
      return [pair.slice(0, equals), pair.slice(equals + 1)]
    }),
  )
}

export function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const n = Number(text)
    if (!Number.isInteger(n) || n < least || n > most)
      throw new InvalidArgumentError(`A whole number from ${least} to ${most}.`)
    return n
  }
}
