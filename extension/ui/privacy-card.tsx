import { Card } from "./parts/card.tsx"
import { type MessageKey, t } from "./text.tsx"

const sentences: MessageKey[] = [
  "privacyHere",
  "privacyNothingSent",
  "privacyKept",
  "privacyNotKept",
  "privacySites",
  "privacyBridge",
]

/** What is kept, who learns what. */
export function PrivacyCard() {
  return (
    <Card id="privacy" title="privacy">
      <ul class="bullets stack">
        {sentences.map((sentence) => (
          <li key={sentence}>{t(sentence)}</li>
        ))}
      </ul>
    </Card>
  )
}
