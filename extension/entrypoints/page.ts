import { defineUnlistedScript } from "wxt/utils/define-unlisted-script"
import { accelerateBy } from "../../sdk/accelerate.ts"
import { remoteMethods } from "../../sdk/accelerator.ts"
import { wholeAddress } from "../../sdk/whole-address.ts"
import { PAGE_SLOT } from "../messages.ts"
import { pool } from "../page/connection.ts"
import { loadForPage } from "../page/load.ts"

/** The page script: hands the stub that waits in the page its real methods. */
export default defineUnlistedScript({
  globalName: false,
  main() {
    const { ipfsAccelerate } = window as unknown as { ipfsAccelerate?: Record<symbol, (api: unknown) => void> }
    const absolute = (reference: string) => wholeAddress(reference, document.baseURI)
    const methods = remoteMethods({ peer: pool }, { absolute })
    const load = loadForPage(methods.load)
    ipfsAccelerate?.[PAGE_SLOT]?.({ ...methods, load, accelerate: accelerateBy(load) })
  },
})
