import type { HeldGrant } from "../../protocol/index.ts"
import { OriginName } from "./origin-name.tsx"
import { capabilityWords, date, lifetimeWords } from "./words.ts"

/** What sites may do, each with a way to take it back. */
export function GrantsCard({ grants, revoke }: { grants: HeldGrant[]; revoke(origin: string): void }) {
  return (
    <section class="card" aria-labelledby="sites">
      <h2 id="sites">Sites</h2>
      {grants.length === 0 && <p class="soft">No site may use this computer. A site that wants to has to ask you.</p>}
      {grants.length > 0 && (
        <ul class="plain">
          {grants.map((grant) => (
            <li key={grant.origin + grant.lifetime + grant.grantedAt} class="row spread" data-testid="grant">
              <div class="stack">
                <OriginName origin={grant.origin} />
                <div class="row small">
                  {grant.capabilities.map((capability) => (
                    <span key={capability} class="tag">
                      {capabilityWords[capability].short}
                    </span>
                  ))}
                  <span class="soft">{lifetimeWords(grant)}</span>
                </div>
                <div class="small soft">
                  {grant.models.includes("*") ? "any model" : grant.models.join(", ") || "only models it brings"}
                </div>
                <div class="small soft">
                  Granted {date(grant.grantedAt)}, last used {date(grant.usedAt)}
                </div>
              </div>
              <button
                type="button"
                class="danger"
                data-testid="revoke"
                aria-label={`Revoke what ${grant.origin} may do`}
                onClick={() => revoke(grant.origin)}
              >
                Revoke
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
