import type { Evidence as EvidenceDatabase } from "../storage/index.ts"

/** What the fleet needs of the evidence database. */
export type Evidence = Pick<
  EvidenceDatabase,
  | "agent"
  | "model"
  | "record"
  | "recordLost"
  | "benchmark"
  | "benchmarks"
  | "runs"
  | "seed"
  | "flush"
  | "giveBack"
  | "close"
>
