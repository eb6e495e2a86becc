/** What a native child is told when it starts, in the environment variable IPFA_CHILD. */
export interface ChildSettings {
  agent: string
  backends: readonly string[]
  /** The bridge's data folder, whose models it reads. */
  dataDir: string
  incarnation: number
  threads?: number
  /** The folder in memory for large tensors, where there is one. */
  sharedDir?: string
  /** It ends itself when a run goes on so long after its job was given up, ms. */
  stuckMs: number
}
