import { defineUnlistedScript } from "wxt/utils/define-unlisted-script"
import { remoteMethods } from "../../sdk/accelerator.ts"
import { wholeAddress } from "../../sdk/whole-address.ts"
import { PAGE_SLOT } from "../messages.ts"
import { pool } from "../page/connection.ts"
import { bringForPage } from "../page/load.ts"

/** The page script: hands the stub that waits in the page its real methods. */
export default defineUnlistedScript({
  globalName: false,
  main() {
    const { ipfsAccelerate } = window as unknown as { ipfsAccelerate?: Record<symbol, (api: unknown) => void> }
    const absolute = (reference: string) => wholeAddress(reference, document.baseURI)
    ipfsAccelerate?.[PAGE_SLOT]?.(remoteMethods({ peer: pool }, { absolute, bringing: bringForPage }))
  },
})
