import { useEffect, useState } from "preact/hooks"
import type { Invitation } from "../../protocol/index.ts"
import { Fault } from "../page-parts/fault.tsx"
import { Literal } from "../page-parts/page.tsx"
import { Text, t } from "../page-parts/text.tsx"
import { time } from "../page-parts/words.ts"
import type { BridgeConsole } from "./bridge-console.ts"
import { QrCode } from "./qr-code.tsx"

export function InviteCard({ bridge }: { bridge: BridgeConsole }) {
  const [invited, setInvited] = useState<Invitation & { until: number }>()
  const [fault, setFault] = useState<unknown>()
  useEffect(() => {
    if (!invited) return
    const timer = setTimeout(() => setInvited(undefined), invited.until - Date.now())
    return () => clearTimeout(timer)
  }, [invited])
  const invite = async () => {
    setFault(undefined)
    try {
      const answer = await bridge.invite()
      setInvited({ ...answer, until: Date.now() + answer.expiresInMs })
    } catch (error) {
      setFault(error)
    }
  }
  return (
    <section class="card" aria-labelledby="invite">
      <h2 id="invite">{t("invite")}</h2>
      <p class="soft">{t("inviteWhat")}</p>
      <Fault error={fault} />
      {invited ? (
        <Invited {...invited} onDone={() => setInvited(undefined)} />
      ) : (
        <p>
          <button type="button" class="primary" data-testid="invite" onClick={() => void invite()}>
            {t("showLink")}
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
            {t("address")}
            <select dir="ltr" value={address} onChange={(event) => setAddress(event.currentTarget.value)}>
              {addresses.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        <p>
          <a class="mono" dir="ltr" data-testid="link" href={link} target="_blank" rel="noreferrer">
            {link}
          </a>
        </p>
        <p class="small soft">
          <Text
            of="inviteUntil"
            with={[time(until), <Literal key="code" text={`${code.slice(0, 4)}-${code.slice(4)}`} />]}
          />
        </p>
        {local && (
          <p class="small soft">
            <Text of="inviteLocal" with={[<Literal key="file" text="docs/worker-page.md" />]} />
          </p>
        )}
        <p>
          <button type="button" onClick={onDone}>
            {t("close")}
          </button>
        </p>
      </div>
    </div>
  )
}
