import type { Peer, Preferences } from "../../protocol/index.ts"

/** What the person decides for the whole browser. */
export function PreferencesCard({ peer, preferences }: { peer: Peer; preferences: Preferences }) {
  const prefer = (changes: Partial<Preferences>) => void peer.call("owner.prefer", changes).catch(() => undefined)
  return (
    <section class="card" aria-labelledby="preferences">
      <h2 id="preferences">Measuring in idle time</h2>
      <label>
        <input
          type="checkbox"
          data-testid="measure-idle"
          checked={preferences.measureIdle}
          onChange={({ currentTarget }) => prefer({ measureIdle: currentTarget.checked })}
        />
        Try models that sites used lately on devices they were not run on yet
      </label>
      <p class="small soft">
        Only while no site computes, on mains power, and not on a mobile network. That is how the fastest device is
        found. Without it the first choice stays until a site itself measures.
      </p>
    </section>
  )
}
