export * from "./error.ts"
export * from "./registry.ts"
export * from "./wire.ts"
