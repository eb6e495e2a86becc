import { readFileSync } from "node:fs"
import path from "node:path"
import type { DeviceInfo, ErrorCode, Peer, Tensor } from "../../protocol/index.ts"
import { asAccelerateError } from "../../protocol/index.ts"
import { repoRoot } from "../sources.ts"
import type { StartEvent } from "./events.ts"

/** models/digits/samples.json */
interface Samples {
  input: string
  output: string
  shape: number[]
  /** Absolute, per logit. */
  tolerance: number
  samples: { image: number[]; logits: number[] }[]
}

const folder = path.join(repoRoot, "models", "digits")

/** The first sample whose answer differs from the known one, in words; undefined where all agree. */
async function wrongAnswer(
  client: Peer,
  device: DeviceInfo,
  reference: string,
  known: Samples,
): Promise<string | undefined> {
  const target = { device: device.id, ...(device.agent && { agent: device.agent }) }
  const session = await client.call("session.open", { model: reference, ...target })
  try {
    for (const { image, logits } of known.samples) {
      const input: Tensor = { dtype: "float32", shape: [1, ...known.shape], data: Float32Array.from(image) }
      const { outputs } = await client.call(
        "session.run",
        { sessionId: session.sessionId, feeds: { [known.input]: input } },
        { deadlineMs: 60_000 },
      )
      const output = outputs[known.output]
      if (!output || !("data" in output)) return `no output ${known.output}`
      const got = [...(output.data as Float32Array)]
      const off = Math.max(...logits.map((x, i) => Math.abs(x - (got[i] ?? Number.NaN))))
      // A NaN is never within the tolerance.
      if (!(off <= known.tolerance)) return `logits differ by ${off}, more than ${known.tolerance}`
    }
    return undefined
  } finally {
    await client.call("session.close", { sessionId: session.sessionId }).catch(() => {})
  }
}

const absences: ReadonlySet<ErrorCode> = new Set(["IPFA_DEVICE_ABSENT", "IPFA_DEVICE_UNSUPPORTED"])

/** Loads the digits model on one device, times it, and checks every known answer. */
export async function measureDevice(
  client: Peer,
  device: DeviceInfo,
): Promise<Extract<StartEvent, { event: "result" | "absent" }>> {
  const known = JSON.parse(readFileSync(path.join(folder, "samples.json"), "utf8")) as Samples
  const reference = `file:${path.join(folder, "digits.onnx")}`
  const who = { agent: device.agent ?? "", browser: device.browser ?? "native", backend: device.id }
  const first = known.samples[0] as Samples["samples"][number]
  const feeds = {
    [known.input]: { dtype: "float32" as const, shape: [1, ...known.shape], data: Float32Array.from(first.image) },
  }
  try {
    const { rows, absent } = await client.call(
      "benchmark.run",
      {
        model: reference,
        devices: [device.id],
        ...(device.agent && { agent: device.agent }),
        feeds,
        samples: 50,
        warmup: 3,
        budgetMs: 3000,
      },
      { deadlineMs: 180_000 },
    )
    const row = rows[0]
    // Where the benchmark gave nothing, it says so without a code: opening there tells an absence from a failure.
    const reason = await wrongAnswer(client, device, reference, known)
    if (!row) return failure(who, device, absent[0]?.reason ?? "the device gave no result")
    return {
      event: "result",
      ...who,
      adapter: device.adapter,
      model: "digits",
      loadMs: row.loadMs,
      firstMs: row.firstMs,
      p50Ms: row.p50Ms,
      n: row.n,
      ok: reason === undefined,
      ...(reason !== undefined && { reason }),
    }
  } catch (error) {
    const { code, message } = asAccelerateError(error)
    const reason = `${code}: ${message}`
    if (absences.has(code)) return { event: "absent", ...who, reason }
    // The device is there and failed: that is an answer, and not the right one.
    return failure(who, device, reason)
  }
}

function failure(
  who: { agent: string; browser: string; backend: string },
  { adapter }: DeviceInfo,
  reason: string,
): Extract<StartEvent, { event: "result" }> {
  const none = { loadMs: null, firstMs: null, p50Ms: null, n: 0 }
  return { event: "result", ...who, adapter, model: "digits", ...none, ok: false, reason }
}
