import { useEffect, useState } from "preact/hooks"
import { browser } from "wxt/browser"
import type { HeldGrant, Peer } from "../../protocol/index.ts"
import { isGrantable } from "../gate/origin.ts"
import { DeviceList, useHardware } from "./devices-card.tsx"
import { OriginName } from "./origin-name.tsx"
import { useOwner } from "./owner-client.ts"
import { bridgeWords, capabilityWords, lifetimeWords } from "./words.ts"

/** The origin of the tab in front; undefined where it is a page that can't be granted anything. */
function useSite(): string | undefined {
  const [site, setSite] = useState<string>()
  useEffect(() => {
    void browser.tabs.query({ active: true, currentWindow: true }).then(([tab]) => {
      const origin = tab?.url && URL.canParse(tab.url) ? new URL(tab.url).origin : ""
      if (isGrantable(origin)) setSite(origin)
    })
  }, [])
  return site
}

export function Popup() {
  const { peer, snapshot } = useOwner()
  const site = useSite()
  const report = useHardware(peer)
  return (
    <main class="popup">
      <div class="row spread">
        <h1>ipfs-accelerate</h1>
        <button type="button" onClick={() => void browser.runtime.openOptionsPage()}>
          Settings
        </button>
      </div>
      {peer && snapshot ? (
        <>
          <Site peer={peer} site={site} grants={snapshot.grants.filter((grant) => grant.origin === site)} />
          <section class="card">
            <h2>Devices</h2>
            {report ? <DeviceList report={{ devices: report.devices, absent: [] }} /> : <p class="soft">Looking …</p>}
          </section>
          <p class={`small ${bridgeWords(snapshot.bridge).tone}`} role="status">
            <span class="dot" aria-hidden="true" />
            {bridgeWords(snapshot.bridge).text}
          </p>
        </>
      ) : (
        <p class="soft">Starting …</p>
      )}
    </main>
  )
}

function Site({ peer, site, grants }: { peer: Peer; site: string | undefined; grants: HeldGrant[] }) {
  if (!site)
    return <p class="soft">This page can’t use ipfs-accelerate: it needs https, or a server on this computer.</p>
  return (
    <section class="card">
      <OriginName origin={site} />
      {grants.length === 0 && <p class="soft">May do nothing; it has to ask you first.</p>}
      {grants.map((grant) => (
        <p key={grant.lifetime + grant.grantedAt} class="small">
          May {grant.capabilities.map((capability) => capabilityWords[capability].short).join(", ")},{" "}
          {lifetimeWords(grant)}.
        </p>
      ))}
      {grants.length > 0 && (
        <div>
          <button
            type="button"
            class="danger"
            data-testid="revoke"
            onClick={() => void peer.call("grant.revoke", { origin: site }).catch(() => undefined)}
          >
            Revoke
          </button>
        </div>
      )}
    </section>
  )
}
