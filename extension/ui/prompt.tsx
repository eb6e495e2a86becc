import type { RefObject } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { type Answer, asAccelerateError, type Peer, type PromptDetails } from "../../protocol/index.ts"
import { useArmed } from "./armed.ts"
import { OriginName } from "./origin-name.tsx"
import { connectOwner, RETRY_MS } from "./owner.ts"
import { type MessageKey, Text, t } from "./text.tsx"
import { bytes, capabilityWords } from "./words.ts"

const choices: { answer: Answer; label: MessageKey }[] = [
  { answer: "once", label: "allowOnce" },
  { answer: "session", label: "allowSession" },
  { answer: "always", label: "allowAlways" },
  { answer: "deny", label: "deny" },
]

/** Asks the person about request `id`. Closing the window is a no. */
export function Prompt({ id }: { id: string }) {
  const [peer, setPeer] = useState<Peer>()
  const [details, setDetails] = useState<PromptDetails>()
  useEffect(() => {
    const ask = async () => {
      const { connected, asked } = await show(id)
      void connected.closed.then(() => window.close())
      setDetails(asked)
      setPeer(connected)
    }
    // Withdrawn meanwhile: there is nothing to decide any more.
    ask().catch(() => window.close())
  }, [id])
  if (!details || !peer) return null
  const decide = async (answer: Answer) => {
    await peer.call("prompt.answer", { id, answer }).catch(() => undefined)
    window.close()
  }
  return <Request details={details} decide={decide} />
}

/** What request `id` asks, over a connection that outlives the answer: one that is made while a service worker is stopped ends with it. */
async function show(id: string): Promise<{ connected: Peer; asked: PromptDetails }> {
  for (;;) {
    const connected = await connectOwner()
    try {
      return { connected, asked: await connected.call("prompt.show", { id }) }
    } catch (error) {
      if (asAccelerateError(error).code !== "IPFA_PROTOCOL_CLOSED") throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

function Request({ details, decide }: { details: PromptDetails; decide(answer: Answer): void }) {
  const { origin, capabilities, models, reason, hasAlways, limits } = details
  const armed = useArmed()
  const [end, more] = useMoreBelow()
  return (
    <main class="prompt">
      {/* Scrolled by keyboard as well. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section class="asks" tabIndex={0} aria-labelledby="asks">
        <h1 id="asks">{t("promptHeading")}</h1>
        <div class="origin">
          <OriginName origin={origin} />
        </div>
        {reason && (
          <p>
            <Text
              of="promptReason"
              with={[
                <q key="reason">
                  <bdi>{reason}</bdi>
                </q>,
              ]}
            />
          </p>
        )}
        <section class="stack">
          <h2>{t("promptCould")}</h2>
          <ul class="bullets">
            {capabilities.map((capability) => (
              <li key={capability}>{t(capabilityWords[capability].long)}</li>
            ))}
            <li>{t("promptStore", bytes(limits.storeBytes))}</li>
            <li>{t("promptMemory", bytes(limits.memoryBytes))}</li>
            <li>{t("promptWhole")}</li>
          </ul>
        </section>
        <ModelsAsked models={models} />
        {hasAlways && <p data-testid="has-always">{t("promptHasAlways")}</p>}
        <div ref={end} />
      </section>
      {more && (
        <p class="more small" aria-hidden="true" data-testid="more">
          {t("promptMore")}
        </p>
      )}
      <div class="choices">
        {choices.map(({ answer, label }) => (
          <button
            key={answer}
            type="button"
            class={answer === "deny" ? "danger" : ""}
            data-testid={answer === "deny" ? "deny" : `allow-${answer}`}
            disabled={!armed}
            onClick={(event) => event.isTrusted && decide(answer)}
          >
            {t(label)}
          </button>
        ))}
      </div>
    </main>
  )
}

/** Something to put at the end of what scrolls, and whether that is still out of sight. */
function useMoreBelow(): [end: RefObject<HTMLDivElement | null>, more: boolean] {
  const end = useRef<HTMLDivElement>(null)
  const [more, setMore] = useState(false)
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setMore(entry?.isIntersecting === false))
    observer.observe(end.current as HTMLDivElement)
    return () => observer.disconnect()
  }, [])
  return [end, more]
}

function ModelsAsked({ models }: { models: readonly string[] }) {
  const any = models.includes("*")
  const title = any ? "promptAnyModel" : models.length > 0 ? "promptModels" : "modelsOwn"
  return (
    <section class="stack">
      <h2>{t(title)}</h2>
      {!any && models.length > 0 && (
        <ul class="bullets">
          {models.map((model) => (
            <li key={model} class="mono">
              <bdi>{model}</bdi>
            </li>
          ))}
        </ul>
      )}
      {models.length > 0 && <p class="small soft">{t(any ? "promptTellsAny" : "promptTells")}</p>}
    </section>
  )
}
