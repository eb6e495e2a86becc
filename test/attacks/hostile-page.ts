import { expect } from "vitest"
import type { Evaluates } from "../support/digit-work.ts"
import { digitsModel } from "../support/digits.ts"
import type { PageFault } from "../support/extension.ts"
import { endless, hugeNode, memoryBomb } from "./hostile-models.ts"
import { carOf, tinyBytes } from "./onnx-build.ts"

/** More than any queue holds. */
const FLOOD = 2000
const ASKS = 50

/** What each attempt ended with: an error's code, `done`, or `open` where it was still under way when the rest had ended. */
export type Outcomes = Record<string, string[]>

/**
 * Everything at once that a page can try, with a grant to run any model: floods, models without end, nodes too large for a GPU, tensors that are
 * too large or lie, models that are none, addresses and uploads that are not its own, and a flood of prompts.
 */
export async function attack(page: Evaluates, upload: string): Promise<{ outcomes(): Promise<Outcomes> }> {
  const bytes = (model: Uint8Array) => [...model]
  await page.evaluate(
    async ({ endless, bomb, huge, invalid, upload, FLOOD, ASKS }) => {
      const api = window.ipfsAccelerate
      const outcomes: Outcomes = {}
      const open = new Set<Promise<unknown>>()
      const note = (name: string, work: Promise<unknown>) => {
        outcomes[name] ??= []
        const list = outcomes[name]
        const at = list.push("open") - 1
        const ended = work.then(
          () => (list[at] = "done"),
          (error: PageFault) => (list[at] = error.code ?? String(error)),
        )
        open.add(ended)
        return ended
      }
      const model = (data: number[]) => new Uint8Array(data)
      const image = (shape: unknown[], elems = 64) => ({
        image: { dtype: "float32", shape, data: new Float32Array(elems) },
      })
      const one = { x: { dtype: "float32", shape: [1], data: new Float32Array([1]) } }

      const load = (model: unknown) => api.load(model, { device: "wasm" })
      const [digits, bombed, unending] = [
        await load("/models/digits.onnx"),
        await load(model(bomb)),
        await load(model(endless)),
      ]
      const waiting: Promise<unknown>[] = []
      // By itself, for what comes behind the endless run is refused whatever it is.
      await note("bomb", bombed.run(one))
      waiting.push(note("endless", unending.run(one)))
      for (let i = 0; i < FLOOD; i++)
        waiting.push(note("flood", digits.run(image([400, 1, 8, 8], 400 * 64), { priority: 1 })))
      for (const shape of [
        [2 ** 31, 2 ** 31, 8, 8],
        [-1, 1, 8, 8],
        [Number.NaN, 1, 8, 8],
        [1.5, 1, 8, 8],
        [1, 1, 8, 9],
        [2 ** 60],
        [],
      ])
        waiting.push(note("shapes", digits.run(image(shape))))
      for (const address of [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/m.onnx",
        "https://[::1]/m.onnx",
        "https://localhost/m.onnx",
        "https://router.local/m.onnx",
        "file:///etc/passwd",
        "data:application/octet-stream,x",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop/m.onnx",
      ])
        waiting.push(note("addresses", api.load(address)))
      for (const reference of [upload, `sha256:${"0".repeat(64)}`]) waiting.push(note("uploads", api.load(reference)))
      const wide = { ...one, image: { dtype: "float32", shape: [1, 1, 4096, 4096], data: new Float32Array(4096 ** 2) } }
      const runHuge = async (given: number[], device: string, feeds: object) =>
        (await api.load(model(given), { device })).run(feeds)
      const oneByOne = async () => {
        // A site has four uploads at once.
        for (const data of [...invalid, [], [1, 2, 3]]) await note("invalid", api.load(model(data)))
        for (const device of ["webgpu", "wgsl"]) {
          await note(device, runHuge(huge.fixed, device, one))
          await note(device, runHuge(huge.open, device, wide))
        }
      }
      waiting.push(oneByOne())
      waiting.push(note("oversize", digits.run(image([2 ** 21 + 1, 1, 8, 8], 2 ** 27 + 64))))
      for (let i = 0; i < ASKS; i++)
        note("prompts", api.enable({ capabilities: ["benchmark"], reason: "x".repeat(100) }))
      Object.assign(window, { attacked: { outcomes, waiting: Promise.all(waiting) } })
    },
    {
      endless: bytes(endless()),
      bomb: bytes(memoryBomb([2 ** 17, 2 ** 17])),
      huge: { fixed: bytes(hugeNode()), open: bytes(hugeNode("side")) },
      invalid: [
        bytes(
          tinyBytes({
            initializer: [
              {
                name: "w",
                dims: [3n],
                dataType: 1,
                dataLocation: 1,
                externalData: [{ key: "location", value: "../../token" }],
              },
            ],
          }),
        ),
        bytes(tinyBytes().slice(0, 40)),
        bytes(new TextEncoder().encode("<html>")),
        bytes(carOf(digitsModel)),
      ],
      upload,
      FLOOD,
      ASKS,
    },
  )
  return {
    outcomes: () =>
      page.evaluate(async () => {
        const { attacked } = window as unknown as { attacked: { outcomes: Outcomes; waiting: Promise<unknown> } }
        await attacked.waiting
        return attacked.outcomes
      }),
  }
}

/** Each attempt came to its end, with the code that says why. */
export function expectRefused(outcomes: Outcomes): void {
  const { flood, oversize, shapes, bomb, endless, webgpu, wgsl, invalid, addresses, uploads, prompts } = outcomes
  const kinds = (codes: string[] | undefined) => [...new Set(codes)].sort()
  // S10: bounded, and each answered. What an endless run had behind it goes nowhere else.
  expect(flood?.filter((code) => code === "IPFA_QUEUE_FULL").length).toBeGreaterThan(0)
  expect(kinds(flood)).not.toContain("open")
  expect(oversize).toEqual(["IPFA_PROTOCOL_TOO_LARGE"])
  expect(kinds(shapes).filter((code) => !/^IPFA_INPUT_(INVALID|SHAPE)$/.test(code))).toEqual([])
  // S13
  expect(bomb).toEqual(["IPFA_RUN_FAILED"])
  expect(endless).toEqual(["IPFA_JOB_OVERRUN"])
  const unsupported = Array(2).fill("IPFA_DEVICE_UNSUPPORTED")
  expect({ webgpu, wgsl }).toEqual({ webgpu: unsupported, wgsl: unsupported })
  // S11
  expect(kinds(invalid)).toEqual(["IPFA_MODEL_INVALID", "IPFA_MODEL_UPLOAD"])
  // S12
  expect(kinds(addresses).filter((code) => !/^IPFA_MODEL_(ADDRESS|SCHEME|REFERENCE)$/.test(code))).toEqual([])
  // S9: another's upload, and one that is not there.
  expect(uploads).toEqual(["IPFA_MODEL_NOT_FOUND", "IPFA_MODEL_NOT_FOUND"])
  // One window for one origin.
  expect(prompts?.filter((code) => code === "IPFA_GRANT_PROMPT").length).toBe(ASKS - 1)
}

/** Connections by the hundred, with garbage on each. What the page has of a connection itself does not survive that. */
export async function litter(page: Evaluates): Promise<void> {
  await page.evaluate(() => {
    for (let i = 0; i < 200; i++) {
      const { port1, port2 } = new MessageChannel()
      window.postMessage({ type: "ipfs-accelerate:connect", attempt: i % 3 }, "/", [port2])
      port1.postMessage({ garbage: i, id: { toString: 1 } })
      port1.postMessage(new ArrayBuffer(1 << 16))
    }
  })
}
