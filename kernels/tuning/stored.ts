import { fail } from "../../protocol/errors/error.ts"
import type { Winner } from "./winners.ts"

/** As it is stored, in JSON: by `adapterKey`, then by `winnerKey`. */
export type StoredWinners = Readonly<Record<string, Readonly<Record<string, Winner>>>>

/** Reads what was stored. Throws IPFA_INPUT_INVALID for what is no such thing. */
export function parseWinners(text: string): StoredWinners {
  const refuse = (path: string) =>
    fail("IPFA_INPUT_INVALID", {
      message: `These are no stored winners of kernels (at ${path || "their beginning"}): tune again into a new file.`,
      data: { path },
    })
  let stored: unknown
  try {
    stored = JSON.parse(text)
  } catch {
    throw refuse("")
  }
  if (!isRecord(stored)) throw refuse("")
  for (const [adapter, winners] of Object.entries(stored)) {
    if (!isRecord(winners)) throw refuse(adapter)
    for (const [key, winner] of Object.entries(winners)) if (!isWinner(winner)) throw refuse(`${adapter}: ${key}`)
  }
  return stored as StoredWinners
}

function isWinner(value: unknown): value is Winner {
  if (!isRecord(value)) return false
  const { algorithm, tuning = {}, ms, planMs } = value
  const numbers = isRecord(tuning) ? [...Object.values(tuning), ms, planMs] : [undefined]
  return typeof algorithm === "string" && numbers.every((one) => typeof one === "number" && Number.isFinite(one))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
