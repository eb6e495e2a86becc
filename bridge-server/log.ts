import { mkdirSync } from "node:fs"
import path from "node:path"
import { type Logger, pino } from "pino"
import { createStream, type RotatingFileStream } from "rotating-file-stream"
import { AccelerateError, fail } from "../protocol/index.ts"

export type { Logger }

/** From nothing to everything. */
export const logLevels = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * JSON lines on stderr, and in `file` where there is one: stdout belongs to what a command prints. Nothing that carries a secret or what was
 * computed is ever given to it; the paths below are the second lock on that door. Errors say at `debug` alone what they say themselves. Throws IPFA_INPUT_INVALID for a level that there is not.
 */
export function createLog(level: string = process.env.IPFA_LOG || "info", file?: LogFile): Logger {
  if (!logLevels.includes(level as LogLevel))
    throw fail("IPFA_INPUT_INVALID", {
      message: `There is no log level ${level}. Use ${logLevels.join(", ")}.`,
      data: { path: "IPFA_LOG", expected: logLevels },
    })
  const ofError = level === "debug" || level === "trace" ? wholeError : kindOfError
  // 2 is stderr; synchronous, so that the last line before an exit is there.
  const stderr = pino.destination({ dest: 2, sync: true })
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: ["token", "code", "feeds", "outputs", "*.token", "*.feeds", "*.outputs", "*.headers"],
        censor: "[hidden]",
      },
      serializers: { err: ofError, error: ofError },
    },
    // Each takes all that the level above lets through.
    file ? pino.multistream([stderr, file].map((stream) => ({ stream, level: "trace" }))) : stderr,
  )
}

/** A log file that does not grow for ever: `bridge.log`, and older ones as `bridge.log.1` (the latest) and so on. Made at its first line. */
export class LogFile {
  readonly #folder: string
  readonly #limits: { kib: number; older: number }
  #stream: RotatingFileStream | undefined

  /** A file is put aside when it has so many KiB, and of those put aside so many are kept. */
  constructor(folder: string, limits: { kib: number; older: number } = { kib: 5120, older: 4 }) {
    this.#folder = folder
    this.#limits = limits
  }

  get path(): string {
    return path.join(this.#folder, "bridge.log")
  }

  write(line: string): void {
    this.#stream ??= this.#open()
    this.#stream.write(line)
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    const stream = this.#stream
    if (stream) await new Promise<void>((resolve) => stream.end(() => resolve()))
  }

  #open(): RotatingFileStream {
    const { kib, older } = this.#limits
    try {
      // It may come before the data folder is made, and is as private.
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    } catch {
      // The stream says it again.
    }
    const stream = createStream("bridge.log", { path: this.#folder, size: `${kib}K`, rotate: older, mode: 0o600 })
    // A full disk, a folder that was removed: stderr has the lines all the same.
    stream.on("error", () => undefined)
    return stream
  }
}

/** An error's kind: its code and the registry's sentence, or where in the code it came up. Its own words may quote what a model was fed (ONNX Runtime's do) or name a model's host. */
function kindOfError(error: unknown): unknown {
  if (error instanceof AccelerateError) return { code: error.code, message: error.entry.message }
  if (!(error instanceof Error)) return { name: typeof error }
  return { name: error.name, code: (error as { code?: unknown }).code, stack: placesOf(error) }
}

/** Its stack without its words, which come first. */
function placesOf({ message, stack = "" }: Error): string | undefined {
  const words = stack.indexOf(message)
  return words < 0 ? undefined : stack.slice(words + message.length).trim()
}

/** Message and code, not the error's `data`: that may quote a request. */
function wholeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  return { name: error.name, message: error.message, code: (error as { code?: unknown }).code, stack: error.stack }
}
