// node examples/node.mjs, while `npm start` runs.
import { connect, numbers, tensor } from "ipfs-accelerate"

const seven = [
  0, 0, 7, 15, 16, 12, 0, 0, 0, 0, 8, 9, 8, 16, 2, 0, 0, 0, 0, 0, 5, 15, 0, 0, 0, 0, 5, 12, 15, 16, 9, 0, 0, 0, 12, 16,
  15, 8, 2, 0, 0, 0, 2, 15, 6, 0, 0, 0, 0, 0, 7, 14, 0, 0, 0, 0, 0, 0, 11, 8, 0, 0, 0, 0,
]

const ai = await connect()
const session = await ai.load("digits")
const { outputs, timing } = await session.run({ image: tensor("float32", [1, 1, 8, 8], seven) })
const scores = numbers(outputs.logits)
console.log(
  `${scores.indexOf(Math.max(...scores))}, by ${session.device.id} (${session.device.adapter}) in ${timing.runMs.toFixed(2)} ms`,
)
await ai.close()
