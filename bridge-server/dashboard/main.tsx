import { render } from "preact"
import { App, Insecure } from "./app.tsx"
import { BridgeConsole } from "./bridge-console.ts"

const root = document.getElementById("app") as HTMLElement

/** The code in the link's fragment, which no server sees. It is good once: the address bar and the history need not keep it. */
function codeInLink(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? undefined
  if (location.hash) history.replaceState(null, "", location.pathname)
  return code
}

if (!isSecureContext) render(<Insecure />, root)
else {
  const bridge = new BridgeConsole()
  render(<App bridge={bridge} />, root)
  void bridge.start(codeInLink())
  // A new link opened in this tab changes the fragment only.
  addEventListener("hashchange", () => {
    const code = codeInLink()
    if (code) void bridge.unlock(code)
  })
}
