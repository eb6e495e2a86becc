import { existsSync } from "node:fs"
import { parseArgs } from "node:util"
import { asAccelerateError, Peer } from "../protocol/index.ts"
import { callerOf } from "./caller.ts"
import { hostHandlers } from "./host.ts"
import { stdioPort } from "./stdio.ts"

/** The program that a browser starts, by the launcher that install.ts wrote, for as long as the extension keeps the connection. */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { bridge: { type: "string" }, data: { type: "string" }, allow: { type: "string", multiple: true } },
})
const { bridge = "", data: dataDir = "", allow = [] } = values

// How `ipfs-accelerate doctor` finds out whether the launcher starts it.
if (positionals[0] === "--check") process.exit(existsSync(bridge) ? 0 : 1)

const port = stdioPort(process.stdin, process.stdout)
const ended = new AbortController()
try {
  const caller = callerOf(positionals, allow)
  const peer = new Peer(port, {
    role: "native-host",
    handlers: hostHandlers(caller, { dataDir, bridge }, ended.signal),
    caller: undefined,
  })
  void peer.closed.then(() => {
    ended.abort()
    // Its hold on the bridge goes with it.
    process.exit()
  })
} catch (error) {
  new Peer(port, { role: "native-host" }).close(asAccelerateError(error))
}
