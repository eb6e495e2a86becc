import { type ComponentChild, Fragment, render } from "preact"
import { language, type MessageKey, Text, t } from "./text.tsx"

/** Shows the page in the person's language, from whichever side that is read. */
export function showPage(title: MessageKey, page: ComponentChild): void {
  document.documentElement.lang = language()
  document.documentElement.dir = t("direction")
  document.title = t(title)
  render(page, document.getElementById("app") as HTMLElement)
}

/** The code in the link's fragment, which no server sees. It is good once: the address bar and the history need not keep it. */
export function codeInLink(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? undefined
  if (location.hash) history.replaceState(null, "", location.pathname)
  return code
}

/** A new link opened in this tab changes the fragment only. */
export function onNewCode(use: (code: string) => void): void {
  addEventListener("hashchange", () => {
    const code = codeInLink()
    if (code) use(code)
  })
}

/** Beyond this machine, browsers keep what the pages need for those over TLS. */
export function InsecureLine() {
  return (
    <p role="alert" class="bad">
      <Text
        of="insecure"
        with={["--tls-cert", "--tls-key", "127.0.0.1"].map((text) => <Literal key={text} text={text} />)}
      />
    </p>
  )
}

/** What is typed or named as it stands, in every language; where there is little room it goes on in the next line after a sign. */
export function Literal({ text }: { text: string }) {
  return (
    <bdi class="mono" dir="ltr">
      {text.split(/(?<=[_/])/).map((part, i) => (
        <Fragment key={i}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </bdi>
  )
}
