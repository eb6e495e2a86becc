import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { beforeAll, describe, expect, test } from "vitest"

// onnxruntime-node is a dependency of the bridge-server, not of the workspace
const ort = createRequire(join(import.meta.dirname, "../../bridge-server/package.json"))(
  "onnxruntime-node",
) as typeof import("onnxruntime-node")

interface Sample {
  label: number
  image: number[]
  logits: number[]
}

const folder = join(import.meta.dirname, "../../models/digits")
const model = readFileSync(join(folder, "digits.onnx"))
const text = (name: string) => readFileSync(join(folder, name), "utf8")
const report = JSON.parse(text("report.json")) as {
  sha256: string
  bytes: number
  heldOut: { n: number; right: number; accuracy: number }
}
const samples = JSON.parse(text("samples.json")) as { sha256: string; tolerance: number; samples: Sample[] }

let session: import("onnxruntime-node").InferenceSession
beforeAll(async () => {
  session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 })
})

/** images: n × 64 pixels → n rows of ten logits, in one batch */
async function logitsOf(images: number[][]): Promise<number[][]> {
  const feeds = { image: new ort.Tensor("float32", Float32Array.from(images.flat()), [images.length, 1, 8, 8]) }
  const { logits } = await session.run(feeds)
  expect(logits!.dims).toEqual([images.length, 10])
  const data = logits!.data as Float32Array
  return images.map((_, row) => [...data.subarray(row * 10, row * 10 + 10)])
}

const largest = (row: number[]) => row.indexOf(Math.max(...row))

describe("models/digits", () => {
  test("is the file its README, report and samples speak of, below 100 kB", () => {
    const sha256 = createHash("sha256").update(model).digest("hex")
    expect(report.sha256).toBe(sha256)
    expect(samples.sha256).toBe(sha256)
    expect(text("README.md")).toContain(sha256)
    expect(report.bytes).toBe(model.byteLength)
    expect(model.byteLength).toBeLessThan(100_000)
  })

  test("takes image and gives logits", () => {
    expect(session.inputNames).toEqual(["image"])
    expect(session.outputNames).toEqual(["logits"])
  })

  test("gives torch's logits for every sample, one at a time and as one batch", async () => {
    expect(samples.samples).toHaveLength(20)
    const batch = await logitsOf(samples.samples.map((sample) => sample.image))
    for (const [row, sample] of samples.samples.entries()) {
      const [single] = await logitsOf([sample.image])
      for (const got of [single!, batch[row]!]) {
        const error = Math.max(...got.map((value, i) => Math.abs(value - sample.logits[i]!)))
        expect(error, `sample ${row}`).toBeLessThan(samples.tolerance)
      }
    }
  })

  test("has the held-out accuracy its report states, at least 98 %", async () => {
    const rows = text("held-out.csv").trim().split("\n")
    const cells = rows.map((row) => row.split(",").map(Number))
    const got = await logitsOf(cells.map((row) => row.slice(0, 64)))
    const right = cells.filter((row, i) => row[64] === largest(got[i]!)).length
    expect({ n: rows.length, right, accuracy: right / rows.length }).toEqual(report.heldOut)
    expect(report.heldOut.accuracy).toBeGreaterThanOrEqual(0.98)
  })

  test("has samples that are held-out images", () => {
    const heldOut = new Set(text("held-out.csv").trim().split("\n"))
    for (const sample of samples.samples) expect(heldOut).toContain([...sample.image, sample.label].join(","))
  })
})
