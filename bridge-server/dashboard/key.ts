/** What this browser opens the dashboard with. */
export interface Key {
  /** Its name at the bridge-server, by which the key can be taken back. */
  id: string
  /** Good from this origin, for the dashboard alone. */
  token?: string
}

const NAME = "ipfs-accelerate-dashboard"

export function readKey(): Key {
  try {
    const { id, token } = JSON.parse(localStorage.getItem(NAME) ?? "{}") as Partial<Key>
    if (typeof id === "string") return { id, ...(typeof token === "string" && { token }) }
  } catch {
    // Not ours: a new one is made.
  }
  const key = { id: `dashboard-${crypto.randomUUID().slice(0, 8)}` }
  writeKey(key)
  return key
}

export function writeKey(key: Key): void {
  localStorage.setItem(NAME, JSON.stringify(key))
}
