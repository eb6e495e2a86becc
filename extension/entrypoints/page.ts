import { defineUnlistedScript } from "wxt/utils/define-unlisted-script"
import { PAGE_SLOT } from "../messages.ts"
import { pool } from "../page/connection.ts"

export default defineUnlistedScript({
  globalName: false,
  main() {
    const stub = (window as unknown as { ipfsAccelerate: Record<symbol, (api: unknown) => void> }).ipfsAccelerate
    stub[PAGE_SLOT]?.({
      enable: async (request: never) => (await pool()).call("grant.request", request),
      hardware: async () => (await pool()).call("hardware.report", {}),
      status: async () => (await pool()).call("status.get", {}),
    })
  },
})
