import { browser } from "wxt/browser"
import type { Peer } from "../../protocol/index.ts"
import { DEMO_MODEL } from "../packaged.ts"

/** Of the model that the extension brings along (models/digits). */
export const DEMO_SHA256 = "516906e41f5382505a8c85326b026ac0f3d3235b35c84a43e262dc6320260c7f"

/** The reference of the model that the extension brings along; puts it into the store, where it is not there yet. */
export async function demoModel(peer: Peer): Promise<string> {
  const response = await fetch(browser.runtime.getURL(`/${DEMO_MODEL}`))
  const bytes = new Uint8Array(await response.arrayBuffer())
  const part = { uploadId: crypto.randomUUID(), offset: 0, total: bytes.byteLength, bytes }
  const { reference } = await peer.call("model.put", part)
  return reference as string
}
