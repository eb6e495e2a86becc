import { appendFileSync } from "node:fs"
import { locked } from "../../scripts/build-lock.ts"

/** A process that takes a lock, and writes into a file when it has it and when it gives it back; with `hold` it never does. */
const [lock, log, hold] = process.argv.slice(2) as [string, string, string | undefined]

await locked(lock, () => {
  appendFileSync(log, `in ${process.pid}\n`)
  process.stdout.write("held\n")
  // Synchronous, as a build is.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, hold ? 3_600_000 : 200)
  appendFileSync(log, `out ${process.pid}\n`)
})
