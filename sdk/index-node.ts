/** What a Node program gets. */
export * from "./common.ts"
export { type BridgeAccelerator, type ConnectOptions, connect } from "./connect.ts"
