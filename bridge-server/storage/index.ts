export * from "./evidence.ts"
export { EVIDENCE_VERSION } from "./migrations.ts"
export { defaultRetention, type Retention } from "./retention.ts"
