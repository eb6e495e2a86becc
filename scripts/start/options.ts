import { parseArgs } from "node:util"
import { defaultDataDir } from "../../bridge-server/data-folder.ts"

export const browserNames = ["chromium", "firefox", "webkit", "webnn"] as const
export type BrowserName = (typeof browserNames)[number]

export interface StartOptions {
  dataDir: string
  port: number
  headless: boolean
  browsers: BrowserName[]
  once: boolean
  json: boolean
}

export const usage = `npm start -- [options]
  --once               exit after the table; the exit code is not 0 where an answer was wrong
  --headless           no windows (the default where there is no display); --no-headless: with windows
  --browsers LIST      of chromium, firefox, webkit, webnn, none (default: all)
  --port N             of the bridge-server (default 8790; 0: any)
  --data DIR           where models, evidence, profiles and the token are kept (default: $IPFA_DATA, else the user's data folder)
  --json               one JSON line per event on standard output
  --help`

/** The options in `argv`, or a sentence that says what is wrong with it, or `help`. */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): StartOptions | string {
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        once: { type: "boolean" },
        headless: { type: "boolean" },
        browsers: { type: "string" },
        port: { type: "string" },
        data: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values
  } catch (error) {
    return (error as Error).message
  }
  if (values.help) return "help"
  const port = Number(values.port ?? 8790)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return `--port: ${values.port} is no port (0 to 65535)`
  const names =
    typeof values.browsers === "string" ? values.browsers.split(",").map((name) => name.trim()) : [...browserNames]
  const unknown = names.find((name) => name !== "none" && !browserNames.includes(name as BrowserName))
  if (unknown !== undefined) return `--browsers: ${unknown} is none of ${browserNames.join(", ")}, none`
  const display = process.platform !== "linux" || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
  return {
    dataDir: (values.data as string | undefined) ?? defaultDataDir(),
    port,
    headless: (values.headless as boolean | undefined) ?? !display,
    browsers: names.filter((name): name is BrowserName => name !== "none"),
    once: values.once === true,
    json: values.json === true,
  }
}
