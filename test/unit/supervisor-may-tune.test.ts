import { expect, test } from "vitest"
import { Surroundings } from "../../engine/agent/surroundings.ts"
import { mayTune } from "../../extension/supervisor/may-tune.ts"

const battery = { charging: true }
const getBattery = async () => battery
const yes = () => true

test.each([
  ["on mains power", { getBattery }, true],
  ["on mains power, and an ordinary network", { getBattery, connection: { saveData: false, type: "wifi" } }, true],
  ["where data is to be saved", { getBattery, connection: { saveData: true } }, false],
  ["on a mobile network", { getBattery, connection: { type: "cellular" } }, false],
  ["where the browser does not tell of its power", {}, false],
  ["where the browser refuses to", { getBattery: () => Promise.reject(new Error("not allowed")) }, false],
])("%s devices are measured in idle time: %s", async (_, platform, expected) => {
  const may = mayTune(yes, new Surroundings(platform))
  await Promise.resolve()
  expect(may()).toBe(expected)
})

test("pulling the plug ends it, and not before the browser has told of its power it begins", async () => {
  const may = mayTune(yes, new Surroundings({ getBattery }))
  expect(may()).toBe(false)
  await Promise.resolve()
  expect(may()).toBe(true)
  battery.charging = false
  expect(may()).toBe(false)
})

test("the person's no ends it at once, and their yes allows it again", async () => {
  let wanted = true
  battery.charging = true
  const may = mayTune(() => wanted, new Surroundings({ getBattery }))
  await Promise.resolve()
  wanted = false
  expect(may()).toBe(false)
  wanted = true
  expect(may()).toBe(true)
})
