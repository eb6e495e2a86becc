import { isMainThread } from "node:worker_threads"

/** The entry of a native child process, and of the threads in it that compute. */
if (isMainThread) await import("./process.ts")
else await import("./thread.ts")
