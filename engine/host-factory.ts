import type { Port } from "../protocol/index.ts"

/** A running worker or process that hosts one backend and answers `device.*`. */
export interface HostConnection {
  readonly port: Port
  /** Ends the worker or process at once, whatever it does. */
  terminate(): void
  /** Calls `listener` once when the worker or process ended without having been asked to (crash, kill). Without such news from the platform it is never called. */
  onExit(listener: (reason: string) => void): void
}

/** How a pool starts hosts; a lost one is replaced by another start. */
export interface HostFactory {
  readonly backend: string
  /** It is a worker or process of its own: ending it returns all its memory to the system. */
  readonly returnsMemory?: boolean
  start(): HostConnection
}
