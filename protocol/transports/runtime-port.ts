/** What is used of chrome.runtime.Port. */
export interface RuntimePortLike {
  postMessage(message: unknown): void
  disconnect(): void
  onMessage: { addListener(listener: (message: unknown) => void): void }
  onDisconnect: { addListener(listener: () => void): void }
}

/** Why the platform ended the port, where it says so; reading it also keeps Chrome from logging it. */
export function disconnectReason(port: RuntimePortLike): Error | undefined {
  const { chrome } = globalThis as { chrome?: { runtime?: { lastError?: { message?: string } } } }
  const message =
    (port as { error?: { message?: string } | null }).error?.message ?? chrome?.runtime?.lastError?.message
  return message === undefined ? undefined : new Error(message)
}
