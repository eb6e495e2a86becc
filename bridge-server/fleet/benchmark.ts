import {
  type AbsentDevice,
  asAccelerateError,
  type BenchmarkRow,
  type EventOf,
  fail,
  noDevice,
  type ParamsOf,
  type ResultOf,
  type runBenchmark,
} from "../../protocol/index.ts"
import { selectorMatches } from "../../scheduler/index.ts"
import type { Evidence } from "./evidence.ts"
import { type Fleet, isNamed } from "./fleet.ts"
import type { MemberDevice } from "./member.ts"
import type { BridgeModel, FleetModels } from "./models.ts"
import type { RunStats } from "./run-stats.ts"

interface BenchmarkParts {
  fleet: Fleet
  models: FleetModels
  evidence: Evidence | undefined
  stats: RunStats
}

interface BenchmarkCall {
  signal: AbortSignal
  emit(event: EventOf<typeof runBenchmark>): Promise<void>
}

/**
 * Measures on every device that fits, one after the other so that none disturbs the next. The agent measures, at the device; a device that
 * fails is absent with what it said.
 */
export async function benchmark(
  { fleet, models, evidence, stats }: BenchmarkParts,
  params: ParamsOf<typeof runBenchmark>,
  model: BridgeModel,
  call: BenchmarkCall,
): Promise<ResultOf<typeof runBenchmark>> {
  const { devices: wanted, agent } = params
  await fleet.settled(call.signal)
  const fits = (device: string) => !wanted || wanted.some((w) => selectorMatches(w, device))
  const named = agent === undefined ? {} : fleet.named(agent)
  const members = fleet.members.filter((m) => isNamed(named, m))
  if (agent !== undefined && members.length === 0) throw fail("IPFA_AGENT_UNKNOWN", { data: { agent } })
  const targets = members.flatMap((m) => m.hardware.devices.filter((d) => fits(d.id)).map((d) => m.device(d.id)))
  const absent: AbsentDevice[] = fleet.hardware().absent.filter((a) => fits(a.id) && isNamed(named, a))
  if (targets.length === 0) {
    const reasons = absent.map(({ id, reason }) => ({ device: id, reason }))
    throw wanted ? fail("IPFA_DEVICE_ABSENT", { data: { wanted, devices: reasons } }) : noDevice(reasons)
  }
  const rows: BenchmarkRow[] = []
  for (const target of targets) {
    try {
      const row = await measure(models, target, params, model, call)
      rows.push(row)
      if (!evidence) continue
      await evidence.benchmark(target.member.agent, model.sha256, "SingleStream", row)
      stats.benchmarks++
    } catch (cause) {
      if (call.signal.aborted) throw call.signal.reason
      const { code, message } = asAccelerateError(cause)
      // What is wrong with the request is wrong on every device.
      if (code.startsWith("IPFA_INPUT") || code === "IPFA_MODEL_INVALID") throw cause
      const { agent: id, browser } = target.member
      absent.push({ id: target.id, backend: target.id.replace(/[:#].*/, ""), agent: id, browser, reason: message })
    }
  }
  return { rows, absent }
}

async function measure(
  models: FleetModels,
  { id, member }: MemberDevice,
  params: ParamsOf<typeof runBenchmark>,
  model: BridgeModel,
  { signal, emit }: BenchmarkCall,
): Promise<BenchmarkRow> {
  const ask = () =>
    member.peer.call(
      "benchmark.run",
      {
        model: `sha256:${model.sha256}`,
        devices: [id],
        feeds: params.feeds,
        samples: params.samples,
        warmup: params.warmup,
        budgetMs: params.budgetMs,
      },
      { signal, onEvent: (event) => emit({ ...event, device: `${member.agent}/${id}` }) },
    )
  const answer = await models.withModel(member, [model.main], ask, signal)
  const row = answer.rows[0]
  if (!row) throw fail("IPFA_DEVICE_ABSENT", { message: answer.absent[0]?.reason ?? "The device measured nothing." })
  return { ...row, device: { ...row.device, agent: member.agent, browser: member.browser } }
}
