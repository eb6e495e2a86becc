import type { AccelerateError } from "../protocol/errors/error.ts"
import { noDevice } from "../protocol/errors/no-device.ts"
import { type CreateOptions, createAccelerator } from "./create.ts"
import type { BenchmarkRequest, DeviceInfo, HardwareReport, IpfsAccelerate, LoadOptions, Model } from "./types.ts"

export interface HardwareOptions extends CreateOptions {
  /** Backends in order of preference, such as `["webgpu", "wasm"]`; where they can serve they go before others. */
  preferredBackends?: readonly string[]
  /** What to ask; default: `createAccelerator(options)`. */
  accelerator?: IpfsAccelerate
}

export interface OptimalBackend {
  backend: string
  device: DeviceInfo
  /** In words for a person. */
  reason: string
  /** Steady runs of this very model were measured for this answer; else the scheduler's or the caller's order stands. */
  measured: boolean
  /** Median of those runs, ms. */
  p50Ms?: number
  /** Every other device, or preferred backend, and why it was not chosen. */
  others: { device: string; reason: string }[]
}

export interface HardwareAbstraction {
  readonly accelerator: IpfsAccelerate
  hardware(): Promise<HardwareReport>
  /**
   * The backend to run a model on. With `feeds` all candidates are measured (grant `benchmark`), and the fastest is chosen. Without, the
   * first preferred backend that can load the model, or the device that the scheduler chooses; the model stays loaded there.
   * Throws IPFA_DEVICE_NONE where none can.
   */
  getOptimalBackendForModel(
    model: Model,
    options?: Pick<LoadOptions, "signal"> & { feeds?: BenchmarkRequest["feeds"]; samples?: number },
  ): Promise<OptimalBackend>
}

/** What this machine has, and which of it suits a model. */
export async function createHardwareAbstraction(options: HardwareOptions = {}): Promise<HardwareAbstraction> {
  const { preferredBackends = [] } = options
  const accelerator = options.accelerator ?? (await createAccelerator(options))
  return {
    accelerator,
    hardware: () => accelerator.hardware(),
    async getOptimalBackendForModel(model, { feeds, samples, ...load } = {}) {
      return feeds
        ? measure(accelerator, { model, feeds, ...(samples && { samples }), signal: load.signal }, preferredBackends)
        : choose(accelerator, model, preferredBackends, load)
    },
  }
}

/** Within so much of the fastest, the preferred one is taken: closer than that runs differ from one to the next. */
const TIE = 1.1

async function measure(
  accelerator: IpfsAccelerate,
  request: BenchmarkRequest,
  preferred: readonly string[],
): Promise<OptimalBackend> {
  const { rows, absent } = await accelerator.benchmark(request)
  const fastest = Math.min(...rows.map((row) => row.p50Ms))
  const rank = (backend: string) => (preferred.includes(backend) ? preferred.indexOf(backend) : preferred.length)
  const [best, ...rest] = rows.toSorted(
    (a, b) =>
      Number(a.p50Ms > fastest * TIE) - Number(b.p50Ms > fastest * TIE) ||
      rank(a.device.backend) - rank(b.device.backend) ||
      a.p50Ms - b.p50Ms,
  )
  if (!best) throw noDevice(absent.map(({ id, reason }) => ({ device: id, reason })))
  const ms = (value: number) => `${value.toPrecision(3)} ms`
  return {
    backend: best.device.backend,
    device: best.device,
    measured: true,
    p50Ms: best.p50Ms,
    reason:
      best.p50Ms === fastest
        ? `the fastest here: ${ms(best.p50Ms)} a run (median of ${best.n})`
        : `preferred, and within ${Math.round((TIE - 1) * 100)} % of the fastest: ${ms(best.p50Ms)} a run (median of ${best.n})`,
    others: [
      ...rest.map(({ device, p50Ms, n }) => ({ device: device.id, reason: `${ms(p50Ms)} a run (median of ${n})` })),
      ...absent.map(({ id, reason }) => ({ device: id, reason })),
    ],
  }
}

async function choose(
  accelerator: IpfsAccelerate,
  model: Model,
  preferred: readonly string[],
  options: Pick<LoadOptions, "signal">,
): Promise<OptimalBackend> {
  const { devices, absent } = await accelerator.hardware()
  const others: OptimalBackend["others"] = []
  const open = async (device: string | undefined, reason: string): Promise<OptimalBackend> => {
    await using session = await accelerator.load(model, { ...options, ...(device && { device }) })
    const chosen = session.device
    const rest = devices.filter(({ id }) => id !== chosen.id && !others.some((other) => other.device === id))
    return {
      backend: chosen.backend,
      device: chosen,
      measured: false,
      reason,
      others: [
        ...others,
        ...rest.map(({ id, fallbackAdapter }) => ({
          device: id,
          reason: fallbackAdapter ? "a software stand-in for a GPU" : "it can serve, and was not chosen",
        })),
        ...absent
          .filter(({ backend }) => !preferred.includes(backend))
          .map(({ id, reason: why }) => ({ device: id, reason: why })),
      ],
    }
  }
  for (const backend of preferred) {
    const gone = absent.find((device) => device.backend === backend)
    const there = devices.find((device) => device.backend === backend)
    if (!there) others.push({ device: backend, reason: gone?.reason ?? "there is no such backend here" })
    else if (there.fallbackAdapter && devices.some((device) => !device.fallbackAdapter))
      others.push({ device: there.id, reason: "a software stand-in for a GPU, slower than what else is there" })
    else {
      try {
        return await open(there.id, `preferred, and it loaded the model (${there.adapter})`)
      } catch (error) {
        const e = error as AccelerateError
        if (!/^IPFA_DEVICE_/.test(e.code)) throw error
        others.push({ device: there.id, reason: e.message })
      }
    }
  }
  return open(undefined, "the scheduler's choice, by what it has measured on this machine")
}
