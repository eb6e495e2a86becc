import { type Logger, pino } from "pino"

export type { Logger }

/**
 * JSON lines on stderr: stdout belongs to what a command prints. Nothing that carries a secret or what was computed is ever given to it; the
 * paths below are the second lock on that door.
 */
export function createLog(level = process.env.IPFA_LOG ?? "info"): Logger {
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: ["token", "code", "feeds", "outputs", "*.token", "*.feeds", "*.outputs", "*.headers"],
        censor: "[hidden]",
      },
      serializers: { err: errorForLog, error: errorForLog },
    },
    // 2 is stderr; synchronous, so that the last line before an exit is there.
    pino.destination({ dest: 2, sync: true }),
  )
}

/** Message and code, not the error's `data`: that may quote a request. */
function errorForLog(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  return { name: error.name, message: error.message, code: (error as { code?: unknown }).code, stack: error.stack }
}
