import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { setTimeout as delay } from "node:timers/promises"

/** The little of WebDriver that opens one page and looks at it. */
export interface WebDriver {
  goto(url: string): Promise<void>
  /** The value of a script's `return`. */
  evaluate(script: string): Promise<unknown>
  close(): Promise<void>
}

const START_MS = 20_000

/** Starts the driver `command` on a free port and a session in it. */
export async function startWebDriver(
  command: string,
  capabilities: object,
  env: NodeJS.ProcessEnv,
): Promise<WebDriver> {
  const port = await freePort()
  const driver = endingWithThis(spawn(command, [`--port=${port}`], { stdio: "ignore", env }))
  const ended = once(driver, "exit")
  const failed = new Promise<never>((_, reject) => driver.once("error", reject))
  failed.catch(() => undefined)
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    })
    const { value } = (await response.json()) as { value: unknown }
    if (!response.ok) throw new Error(`${command}: ${(value as { message?: string }).message ?? response.status}`)
    return value
  }
  const stop = async () => {
    if (driver.exitCode === null && driver.signalCode === null && driver.kill()) await ended
  }
  try {
    await Promise.race([failed, answers(() => call("GET", "/status"))])
    const { sessionId } = (await call("POST", "/session", { capabilities: { alwaysMatch: capabilities } })) as {
      sessionId: string
    }
    const at = `/session/${sessionId}`
    return {
      goto: async (url) => void (await call("POST", `${at}/url`, { url })),
      evaluate: (script) => call("POST", `${at}/execute/sync`, { script, args: [] }),
      async close() {
        await call("DELETE", at).catch(() => undefined)
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Has a process end no later than this one, also where this one ends in a hurry. */
function endingWithThis<T extends ChildProcess>(child: T): T {
  const kill = () => void child.kill("SIGKILL")
  process.once("exit", kill)
  child.once("exit", () => process.off("exit", kill))
  return child
}

async function answers(ask: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + START_MS; ; ) {
    try {
      await ask()
      return
    } catch (error) {
      if (Date.now() > end) throw error
      await delay(50)
    }
  }
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** A display without a screen, for browsers that have no headless mode: `:N`, and its process. */
export async function startXvfb(command: string): Promise<{ display: string; process: ChildProcess }> {
  const screen = ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
  const child = endingWithThis(spawn(command, screen, { stdio: ["ignore", "pipe", "ignore"] }))
  const [number] = await Promise.race([
    once(child.stdout, "data") as Promise<[Buffer]>,
    once(child, "exit").then(() => Promise.reject(new Error("Xvfb ended at once"))),
  ])
  return { display: `:${number.toString().trim()}`, process: child }
}
