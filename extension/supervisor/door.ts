/** What the supervisor's window offers to the extension's other windows. */
export interface SupervisorDoor {
  /** Takes a page's port; `origin` is the browser's word on whose page it is, `life` what its extension port is named by. */
  accept(port: MessagePort, origin: string, life: string): void
}

declare global {
  var ipfsAccelerateSupervisor: SupervisorDoor | undefined
}

/** The supervisor, where it runs in a window that this one can reach. */
export function findSupervisor(): SupervisorDoor | undefined {
  for (const view of chrome.extension.getViews()) {
    const door = (view as unknown as typeof globalThis).ipfsAccelerateSupervisor
    if (door) return door
  }
  return undefined
}
