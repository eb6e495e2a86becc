export * from "./error.ts"
export * from "./registry.ts"
export * from "./wire.ts"
export * from "./wire-schema.ts"
