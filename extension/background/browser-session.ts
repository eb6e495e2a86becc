import { browser } from "wxt/browser"

/** A name for this run of the browser, which grants for a session end with: it outlives the supervisor's process. The offscreen document has no `storage` to learn it from. */
export async function browserSession(): Promise<string> {
  const { session } = await browser.storage.session.get<{ session?: string }>("session")
  if (session) return session
  const fresh = crypto.randomUUID()
  await browser.storage.session.set({ session: fresh })
  return fresh
}
