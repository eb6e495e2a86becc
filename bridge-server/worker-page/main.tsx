import { render } from "preact"
import { App, Insecure } from "./app.tsx"
import { BrowserWorker, type WorkerFiles } from "./worker.ts"

/** Set by the build. */
declare const IPFA_FILES: WorkerFiles

const root = document.getElementById("app") as HTMLElement

/** The code in the link's fragment, which no server sees. It is good once: the address bar and the history need not keep it. */
function codeInLink(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? undefined
  if (location.hash) history.replaceState(null, "", location.pathname)
  return code
}

if (!isSecureContext) render(<Insecure />, root)
else {
  const worker = new BrowserWorker(IPFA_FILES)
  render(<App worker={worker} />, root)
  void worker.start(codeInLink())
  // A new link opened in this tab changes the fragment only.
  addEventListener("hashchange", () => {
    const code = codeInLink()
    if (code) void worker.pair(code)
  })
}
