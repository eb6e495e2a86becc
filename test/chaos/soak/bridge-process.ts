/** A bridge-server in a process of its own, for whoever forked it: asked by a word, it answers with a number or a text. */
import { createLog } from "../../../bridge-server/log.ts"
import { startBridge } from "../../../bridge-server/server.ts"
import { Evidence } from "../../../bridge-server/storage/index.ts"
import { VERSION } from "../../../bridge-server/version.ts"

const bridge = await startBridge({
  dataDir: process.argv[2] as string,
  log: createLog("silent"),
  threads: 1,
  allowLoopbackModels: true,
  evidence: (file) => Evidence.open(file, { software: VERSION }),
})

const answers = {
  code: () => bridge.pairingCode().code,
  nativePid: () => bridge.nativePid("native") ?? 0,
  agents: () =>
    bridge.fleet.members
      .filter(({ gone }) => !gone)
      .map(({ browser }) => browser)
      .join(),
}
export type Question = keyof typeof answers

process.on("message", (question: Question) => process.send?.(answers[question]() ?? ""))
process.on("disconnect", () => void bridge.close().then(() => process.exit(0)))
process.send?.({ ws: bridge.ws, token: bridge.token })
