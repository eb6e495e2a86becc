import { bytesText as bytesIn } from "../../engine/agent/screen-words.ts"
import { asAccelerateError, serialiseError, type Unable } from "../../protocol/index.ts"

/** What every command is told before its name. */
export interface GlobalOptions {
  data?: string
  json?: boolean
}

/** A line for people, or with --json one for programs. stdout carries answers, stderr all else. */
export function say(json: boolean | undefined, value: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value, bigints)}\n` : `${lines.join("\n")}\n`)
}

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? "").length)))
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  )
}

export function printError(error: unknown, json: boolean | undefined): void {
  const known = asAccelerateError(error)
  const { code, message, data } = serialiseError(known)
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, data } })}\n`)
  process.stderr.write(`${code}: ${message}\n`)
  const { devices, reason } = known.data as { devices?: unknown; reason?: unknown }
  const lines = Array.isArray(devices)
    ? (devices as Unable[]).filter(({ reason }) => reason).map(({ device, reason }) => `${device}: ${reason}`)
    : typeof reason === "string"
      ? [reason]
      : []
  for (const line of lines) if (!message.includes(line)) process.stderr.write(`  ${line}\n`)
}

/** 64-bit integers as digits; typed arrays as lists. */
export function bigints(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value))
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<unknown>) : value
}

/** `1.5 GB`, as the screens write it. */
export const bytesText = (count: number): string => bytesIn(count, "en")

export function msText(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)
}
