import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { Question } from "./bridge-process.ts"

export interface SoakBridge {
  readonly ws: string
  readonly token: string
  readonly pid: number
  pairingCode(): Promise<string>
  /** The process that computes natively; 0 where there is none just now. */
  nativePid(): Promise<number>
  /** Browsers that are members now. */
  agents(): Promise<string[]>
  close(): Promise<void>
}

/** Starts a bridge-server with native ONNX Runtime, whose memory is nobody else's. */
export async function startSoakBridge(): Promise<SoakBridge> {
  const dataDir = mkdtempSync(path.join(tmpdir(), "ipfa soak "))
  const child = fork(path.join(import.meta.dirname, "bridge-process.ts"), [dataDir])
  const exited = once(child, "exit")
  const gone = exited.then(() => {
    throw new Error("The bridge-server ended.")
  })
  // Nobody may be asking by then.
  gone.catch(() => undefined)
  const answer = async <T>() => (await Promise.race([once(child, "message"), gone]))[0] as T
  // One question at a time, so that each answer is its own.
  let asked: Promise<unknown> = Promise.resolve()
  const ask = <T>(question: Question): Promise<T> => {
    const answered = asked.then(() => {
      child.send(question)
      return answer<T>()
    })
    asked = answered.catch(() => undefined)
    return answered
  }
  const { ws, token } = await answer<{ ws: string; token: string }>()
  return {
    ws,
    token,
    pid: child.pid as number,
    pairingCode: () => ask("code"),
    nativePid: () => ask("nativePid"),
    agents: async () => (await ask<string>("agents")).split(","),
    async close() {
      if (child.connected) child.disconnect()
      await exited
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
