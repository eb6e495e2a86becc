import { defineContentScript } from "wxt/utils/define-content-script"
import { installStub } from "../page/stub.ts"
import { SITE_MATCHES } from "../sites.ts"

export default defineContentScript({
  matches: SITE_MATCHES,
  world: "MAIN",
  runAt: "document_start",
  globalName: false,
  main: installStub,
})
