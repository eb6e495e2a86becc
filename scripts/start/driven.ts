/** A browser that was started, until it is closed. */
export interface DrivenBrowser {
  close(): Promise<void>
}

/** Has a browser that was just started join by `join`. It is closed where that fails, and at once where `stop` says so. */
export async function joining(
  browser: DrivenBrowser,
  stop: AbortSignal | undefined,
  join: () => Promise<void>,
): Promise<DrivenBrowser> {
  let closing: Promise<void> | undefined
  const close = () => (closing ??= browser.close())
  const stopped = () => void close().catch(() => undefined)
  stop?.addEventListener("abort", stopped)
  try {
    stop?.throwIfAborted()
    await join()
    return { close }
  } catch (error) {
    await close()
    throw error
  } finally {
    stop?.removeEventListener("abort", stopped)
  }
}
