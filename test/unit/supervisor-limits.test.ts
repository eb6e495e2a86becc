import { expect, test } from "vitest"
import { Surroundings } from "../../engine/agent/surroundings.ts"
import { whyPaused } from "../../extension/supervisor/limits.ts"

test.each([
  [{ paused: true, onBattery: true }, true, "person"],
  [{ paused: false, onBattery: false }, false, "battery"],
  [{ paused: false, onBattery: false }, true, undefined],
  [{ paused: false, onBattery: true }, false, undefined],
  // A browser that does not tell would else never compute.
  [{ paused: false, onBattery: false }, undefined, undefined],
])("with %o, mains power %s: paused because of %s", (preferences, isOnMains, reason) => {
  expect(whyPaused(preferences, { isOnMains })).toBe(reason)
})

test("pulling the plug is told, and so is another network", async () => {
  const battery = Object.assign(new EventTarget(), { charging: true })
  const connection = Object.assign(new EventTarget(), { type: "wifi", saveData: false })
  let told = 0
  const surroundings = new Surroundings({ getBattery: async () => battery, connection })
  surroundings.onChange = () => told++
  expect(surroundings.isOnMains).toBeUndefined()
  await expect.poll(() => surroundings.isOnMains).toBe(true)
  expect(told).toBe(1)
  battery.charging = false
  battery.dispatchEvent(new Event("chargingchange"))
  expect([told, surroundings.isOnMains, surroundings.isMetered]).toEqual([2, false, false])
  connection.type = "cellular"
  connection.dispatchEvent(new Event("change"))
  expect([told, surroundings.isMetered]).toEqual([3, true])
})
