import { codeInLink, onNewCode, showPage } from "../page-parts/page.tsx"
import { App, Insecure } from "./app.tsx"
import { BridgeConsole } from "./bridge-console.ts"

if (!isSecureContext) showPage("dashboardTitle", <Insecure />)
else {
  const bridge = new BridgeConsole()
  showPage("dashboardTitle", <App bridge={bridge} />)
  void bridge.start(codeInLink())
  onNewCode((code) => void bridge.unlock(code))
}
