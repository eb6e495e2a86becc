import { defineContentScript } from "wxt/utils/define-content-script"
import { linkPage } from "../page/link.ts"
import { SITE_MATCHES } from "../sites.ts"

export default defineContentScript({
  matches: SITE_MATCHES,
  runAt: "document_start",
  globalName: false,
  main: linkPage,
})
