import { useEffect, useState } from "preact/hooks"
import type { Answer, Peer, PromptDetails } from "../../protocol/index.ts"
import { useArmed } from "./armed.ts"
import { OriginName } from "./origin-name.tsx"
import { connectOwner } from "./owner-client.ts"
import { bytes, capabilityWords } from "./words.ts"

const choices: { answer: Answer; label: string; class?: string }[] = [
  { answer: "once", label: "Allow once" },
  { answer: "session", label: "Allow until browser closes" },
  { answer: "always", label: "Always allow" },
  { answer: "deny", label: "Deny" },
]

/** Asks the person about request `id`. Closing the window is a no. */
export function Prompt({ id }: { id: string }) {
  const [peer, setPeer] = useState<Peer>()
  const [details, setDetails] = useState<PromptDetails>()
  useEffect(() => {
    const ask = async () => {
      const connected = await connectOwner()
      void connected.closed.then(() => window.close())
      setDetails(await connected.call("prompt.show", { id }))
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

function Request({ details, decide }: { details: PromptDetails; decide(answer: Answer): void }) {
  const { origin, capabilities, models, reason, limits } = details
  const armed = useArmed()
  const any = models.includes("*")
  return (
    <main class="prompt">
      <div class="asks">
        <h1>A site asks to compute on your computer</h1>
        <div class="origin">
          <OriginName origin={origin} />
        </div>
        {reason && (
          <p>
            <span class="soft">It says:</span>{" "}
            <q>
              <bdi>{reason}</bdi>
            </q>
          </p>
        )}
        <section class="stack">
          <h2>It could</h2>
          <ul class="bullets">
            {capabilities.map((capability) => (
              <li key={capability}>{capabilityWords[capability].long}</li>
            ))}
            <li>Store up to {bytes(limits.storeBytes)} of models on your disk</li>
            <li>Take up to {bytes(limits.memoryBytes)} of memory, the graphics card’s included</li>
            <li>Use the whole graphics card while it computes; sites that compute at the same time take turns</li>
          </ul>
        </section>
        <section class="stack">
          <h2>
            {any
              ? "Any model"
              : models.length === 1
                ? "This model"
                : models.length
                  ? "These models"
                  : "Only models it brings"}
          </h2>
          {!any && models.length > 0 && (
            <ul class="bullets">
              {models.map((model) => (
                <li key={model} class="mono">
                  <bdi>{model}</bdi>
                </li>
              ))}
            </ul>
          )}
          {(any || models.length > 0) && (
            <p class="small soft">
              {any
                ? "Models are stored once for all sites: this site can tell which models you have, by how fast they load."
                : `A model is stored once for all sites: this site can tell that you have ${models.length === 1 ? "this model" : "these models"}.`}
            </p>
          )}
        </section>
      </div>
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
            {label}
          </button>
        ))}
      </div>
    </main>
  )
}
