import { pathToFileURL } from "node:url"
import { expect, test } from "vitest"
import { adderHost } from "../support/adder.ts"
import { digitsFile, joinAgent, testBridge } from "../support/bridge.ts"
import { refusal, testPool } from "../support/pool.ts"

// It was told that the connection had closed, which the caller's own had not: the SDK took that for a reason to connect anew.
test("a caller whose one agent goes while it opens the model is told that the agent is gone", async () => {
  const bridge = await testBridge({ native: false })
  const host = adderHost("wasm")
  const { pool, close } = testPool([host])
  const { peer } = await joinAgent(bridge.bridge, pool, "laptop")
  host.hold("open")
  const client = await bridge.client()
  const opening = refusal(client.call("session.open", { model: pathToFileURL(digitsFile).href, agent: "laptop" }))
  await host.begun(1, "open")
  peer.close()
  expect(await opening).toBe("IPFA_AGENT_UNKNOWN")
  expect(client.isClosed).toBe(false)
  await bridge.close()
  close()
})
