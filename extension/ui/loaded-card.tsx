import { useEffect, useState } from "preact/hooks"
import type { Peer, Status } from "../../protocol/index.ts"
import { bytes } from "./words.ts"

/** The models that are loaded now, on which device, and for how many. */
export function LoadedCard({ peer, revision }: { peer: Peer; revision: unknown }) {
  const [status, setStatus] = useState<Status>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: each snapshot says that something changed
  useEffect(() => void peer.call("status.get", {}).then(setStatus, () => undefined), [peer, revision])
  // Each page's session is one entry; those on one device share what is loaded.
  const loaded = new Map(status?.sessions.map((session) => [`${session.model} ${session.device}`, session]))
  return (
    <section class="card" aria-labelledby="loaded">
      <div class="row spread">
        <h2 id="loaded">Loaded now</h2>
        {status && (
          <span class="small soft">
            {status.jobs.running} running, {status.jobs.waiting} waiting, {status.jobs.done} done, {status.jobs.failed}{" "}
            failed
          </span>
        )}
      </div>
      {loaded.size === 0 && <p class="soft">Nothing.</p>}
      {loaded.size > 0 && (
        <ul class="plain">
          {[...loaded].map(([key, { model, device, leases, memoryBytes }]) => (
            <li key={key} data-testid="session" data-leases={leases}>
              <span class="mono">{model}</span>
              <div class="small soft">
                on {device}, {bytes(memoryBytes)}, used by {leases === 1 ? "one session" : `${leases} sessions`}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
