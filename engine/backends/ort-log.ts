/** ONNX Runtime says some things only in its log. `[W:onnxruntime:, session_state.cc:1397 …] text`, with or without colour codes. */
const ownLine = /\[[VIWE]:onnxruntime:/

const lines: string[] = []
let listening = false

/**
 * Takes the runtime's warnings out of the console and keeps them for `takeWarnings`. Its WebAssembly binds `console.error` when it is
 * instantiated, so this comes before the first session. Only for workers, whose console is theirs alone.
 */
export function listenToRuntime(): void {
  if (listening) return
  listening = true
  const print = console.error
  console.error = (...args: unknown[]) => {
    const line = String(args[0])
    if (ownLine.test(line)) lines.push(line)
    else print.apply(console, args)
    if (lines.length > 100) lines.shift()
  }
}

/** What was logged since the last call. */
export function takeWarnings(): string[] {
  return lines.splice(0)
}

/** True where `warnings` say that the provider did not take every node, so that the runtime's CPU provider computes the others. */
export function leftToCpu(warnings: readonly string[]): boolean {
  return warnings.some((line) => line.includes("not assigned to the preferred execution providers"))
}
