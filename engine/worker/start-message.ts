/** The first and only message to a worker's own scope. The protocol itself runs over `port`. */
export interface StartMessage {
  /** Name of a backend in engine/backends/index.ts. */
  backend: string
  /** Absolute URL of the folder with ONNX Runtime's files. */
  assetsUrl?: string
  threads?: number
  /** Name of a Web Lock that the worker holds for as long as it lives. */
  lock: string
  port: MessagePort
}

/** What the worker says back: it holds its lock, so that whoever gets that lock next knows that the worker is gone. */
export interface AliveMessage {
  kind: "alive"
}
