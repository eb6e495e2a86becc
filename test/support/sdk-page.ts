import { createElement, StrictMode, useState } from "react"
import { createRoot, type Root } from "react-dom/client"
import { imageTensor } from "../../sdk/image.ts"
import { createAccelerator, numbers, tensor } from "../../sdk/index.ts"
import { useAccelerator, useModel } from "../../sdk/react.ts"
import type { Dtype, IpfsAccelerate } from "../../sdk/types.ts"

/** What the SDK's tests ask a real page to do. The worker and ONNX Runtime's files are served beside it. */
const files = { workerUrl: "worker.js", assetsUrl: "ort/", waitMs: 50, backends: ["wasm"] } as const
const shape = [1, 1, 8, 8]

const codeOf = (error: unknown) => ({
  code: (error as { code?: string }).code ?? String(error),
  message: (error as Error).message,
  data: (error as { data?: unknown }).data,
})

function drawn(image: number[]): HTMLCanvasElement {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = 8
  const context = canvas.getContext("2d") as CanvasRenderingContext2D
  const pixels = context.createImageData(8, 8)
  for (const [i, value] of image.entries()) pixels.data.set([value * 15, value * 15, value * 15, 255], 4 * i)
  context.putImageData(pixels, 0, 0)
  return canvas
}

function Digit({ url, image }: { url: string | undefined; image: number[] }) {
  const { accelerator, error } = useAccelerator(files)
  shown = accelerator
  const model = useModel(accelerator, url, { device: "wasm" })
  const [answer, setAnswer] = useState("")
  const run = async () => {
    const result = await model.session?.run({ image: tensor("float32", shape, image) })
    if (result) setAnswer(numbers(result.outputs.logits as never).join())
  }
  return createElement(
    "div",
    null,
    createElement("p", { id: "via" }, accelerator?.via ?? ""),
    createElement("p", { id: "error" }, error?.code ?? model.error?.code ?? ""),
    createElement("p", { id: "device" }, model.session?.device.id ?? ""),
    createElement("p", { id: "answer" }, answer),
    createElement("button", { id: "run", type: "button", onClick: run, disabled: model.loading }, "run"),
  )
}

let root: Root | undefined
/** What the component computes with. */
let shown: IpfsAccelerate | undefined
let made: Promise<Awaited<ReturnType<typeof createAccelerator>>> | undefined

const sdk = {
  async create(options: object) {
    return createAccelerator(options).then(({ via, reason }) => ({ via, reason }), codeOf)
  },
  async run(url: string, image: number[]) {
    made ??= createAccelerator(files)
    const session = await (await made).load(url)
    const { outputs, device } = await session.run({ image: tensor("float32", shape, image) })
    await session.dispose()
    return { logits: numbers(outputs.logits as never), device }
  },
  async accelerate(url: string, image: number[]) {
    made ??= createAccelerator(files)
    const options = { image: { scale: 1 / 15 } }
    const { outputs } = await (await made).accelerate({ modelId: url, input: drawn(image), options })
    return numbers(outputs.logits as never)
  },
  /** What an image input of that dtype is made of, from a drawing or from the picture at an address. */
  async pixels(dtype: Dtype, of: number[] | string) {
    const picture = typeof of === "string" ? Object.assign(new Image(), { src: of }) : drawn(of)
    if (picture instanceof Image) await picture.decode().catch(() => {})
    const input = { name: "image", dtype, shape: [1, 1, 8, 8] }
    return imageTensor(picture, input, { scale: 1 / 15 }).then(
      ({ data }) => ({ type: (data as Uint8Array)[Symbol.toStringTag], values: Array.from(data as Uint8Array) }),
      codeOf,
    )
  },
  /** Sessions that the component holds. */
  async leases() {
    if (!shown) return 0
    const { sessions } = await shown.status()
    return sessions.reduce((sum, session) => sum + session.leases, 0)
  },
  /** An extension that comes before or after the page asks. */
  async discover(when: "before" | "after" | "late") {
    const api = Object.freeze({
      version: "9.9.9",
      protocolVersion: 1,
      features: ["infer"],
      hardware: async () => ({ devices: [], absent: [] }),
    })
    const page = window as unknown as { ipfsAccelerate?: IpfsAccelerate }
    const arrive = () => {
      page.ipfsAccelerate = api as unknown as IpfsAccelerate
      window.dispatchEvent(new CustomEvent("ipfs-accelerate:announce", { detail: api }))
    }
    if (when === "before") arrive()
    if (when === "after") window.addEventListener("ipfs-accelerate:request", () => setTimeout(arrive), { once: true })
    try {
      const { via, version, hardware } = await createAccelerator({
        ...files,
        waitMs: when === "late" ? 1 : 5000,
        via: "extension",
      })
      return { via, version, report: await hardware() }
    } catch (error) {
      return codeOf(error)
    } finally {
      delete page.ipfsAccelerate
    }
  },
  render(url: string | undefined, image: number[]) {
    root ??= createRoot(document.body.appendChild(document.createElement("main")))
    root.render(createElement(StrictMode, null, createElement(Digit, { url, image })))
  },
  unmount() {
    root?.unmount()
    root = undefined
  },
}

export type SdkPage = typeof sdk
Object.assign(window, { sdk })
