/** What `npm start` says: to a person as a table, to a program (`--json`) as one JSON line per event. */
export type StartEvent =
  | { event: "ready"; http: string; ws: string; tokenFile: string }
  | {
      event: "result"
      agent: string
      /** `chromium`, or `edge` where that is what was found; `firefox`, `webkit`, `webnn-shell`, `native`. */
      browser: string
      backend: string
      adapter: string
      model: string
      /** null where the device failed before there was a figure */
      loadMs: number | null
      firstMs: number | null
      p50Ms: number | null
      n: number
      ok: boolean
      /** Where `ok` is false: what was wrong. */
      reason?: string
    }
  | {
      event: "absent"
      /** The browser's name where the whole browser is absent, and `*` its backend. */
      agent: string
      browser: string
      backend: string
      reason: string
    }
  | { event: "done"; ok: boolean }

const ms = (value: number | null) => (value === null ? "–" : value < 10 ? value.toFixed(2) : value.toFixed(0))

/** The results as a table of fixed-width columns. */
export function table(results: readonly Extract<StartEvent, { event: "result" }>[]): string {
  const head = ["agent", "device", "adapter", "model", "load ms", "first ms", "p50 ms", "n", "right answer"]
  const rows = results.map((r) => [
    r.agent,
    r.backend,
    r.adapter.length > 44 ? `${r.adapter.slice(0, 43)}…` : r.adapter,
    r.model,
    ms(r.loadMs),
    ms(r.firstMs),
    ms(r.p50Ms),
    String(r.n),
    r.ok ? "yes" : `NO: ${r.reason ?? ""}`,
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] as string).length)))
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (i >= 4 && i <= 7 ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
      .join("  ")
      .trimEnd()
  return [line(head), line(widths.map((w) => "─".repeat(w))), ...rows.map(line)].join("\n")
}

export interface Reporter {
  emit(event: StartEvent): void
  /** Progress, for a person. */
  say(text: string): void
}

/** JSON lines go to stdout as they come; for a person, absent devices and the table follow on `done`. */
export function reporter(json: boolean, out: (text: string) => void, err: (text: string) => void): Reporter {
  const results: Extract<StartEvent, { event: "result" }>[] = []
  const absent: Extract<StartEvent, { event: "absent" }>[] = []
  return {
    say: (text) => err(`${text}\n`),
    emit(event) {
      if (json) return out(`${JSON.stringify(event)}\n`)
      if (event.event === "ready") out(`Bridge-server: ${event.http}  (token in ${event.tokenFile})\n`)
      if (event.event === "result") results.push(event)
      if (event.event === "absent") absent.push(event)
      if (event.event !== "done") return
      if (results.length) out(`\n${table(results)}\n`)
      if (absent.length)
        out(`\nNot there:\n${absent.map((a) => `  ${a.browser} ${a.backend}: ${a.reason}`).join("\n")}\n`)
    },
  }
}
