import { codeInLink, onNewCode, showPage } from "../page-parts/page.tsx"
import { App, Insecure } from "./app.tsx"
import { BrowserWorker, type WorkerFiles } from "./worker.ts"

/** Set by the build. */
declare const IPFA_FILES: WorkerFiles

if (!isSecureContext) showPage("workerTitle", <Insecure />)
else {
  const worker = new BrowserWorker(IPFA_FILES)
  showPage("workerTitle", <App worker={worker} />)
  void worker.start(codeInLink())
  onNewCode((code) => void worker.pair(code))
}
