import { useEffect, useState } from "preact/hooks"
import type { Invitation } from "../../protocol/index.ts"
import type { BridgeConsole } from "./bridge-console.ts"
import { QrCode } from "./qr-code.tsx"

export function InviteCard({ bridge }: { bridge: BridgeConsole }) {
  const [invited, setInvited] = useState<Invitation & { until: number }>()
  const [fault, setFault] = useState("")
  useEffect(() => {
    if (!invited) return
    const timer = setTimeout(() => setInvited(undefined), invited.until - Date.now())
    return () => clearTimeout(timer)
  }, [invited])
  const invite = async () => {
    setFault("")
    try {
      const answer = await bridge.invite()
      setInvited({ ...answer, until: Date.now() + answer.expiresInMs })
    } catch (error) {
      setFault((error as Error).message)
    }
  }
  return (
    <section class="card" aria-labelledby="invite">
      <h2 id="invite">Let a browser join</h2>
      <p class="soft">
        A link to the worker page lets any browser compute for this bridge-server, once, within five minutes.
      </p>
      <p role="alert" class="bad">
        {fault}
      </p>
      {invited ? (
        <Invited {...invited} onDone={() => setInvited(undefined)} />
      ) : (
        <p>
          <button type="button" class="primary" data-testid="invite" onClick={() => void invite()}>
            Show a link
          </button>
        </p>
      )}
    </section>
  )
}

function Invited({ code, addresses, until, onDone }: Invitation & { until: number; onDone(): void }) {
  const [address, setAddress] = useState(addresses[0] ?? location.origin)
  const link = `${address}/worker#code=${code}`
  const local = /^https?:\/\/(127\.|localhost|\[::1\])/.test(address)
  return (
    <div class="invited">
      <QrCode text={link} />
      <div class="stack">
        {addresses.length > 1 && (
          <label class="choice">
            Address
            <select value={address} onChange={(event) => setAddress(event.currentTarget.value)}>
              {addresses.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        <p>
          <a class="mono" data-testid="link" href={link} target="_blank" rel="noreferrer">
            {link}
          </a>
        </p>
        <p class="small soft">
          Good until {new Date(until).toLocaleTimeString()}. For the extension, type the code{" "}
          <span class="mono">{`${code.slice(0, 4)}-${code.slice(4)}`}</span> into its options.
          {local &&
            " This address is this machine’s own: for another machine, the bridge-server needs a certificate and a name (docs/worker-page.md)."}
        </p>
        <p>
          <button type="button" onClick={onDone}>
            Done
          </button>
        </p>
      </div>
    </div>
  )
}
