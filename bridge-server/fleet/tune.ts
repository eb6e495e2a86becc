import { isTunable } from "../../engine/backends/names.ts"
import {
  type AbsentDevice,
  asAccelerateError,
  type EventOf,
  fail,
  noDevice,
  type ParamsOf,
  type ResultOf,
  type tuneKernels,
} from "../../protocol/index.ts"
import { type Fleet, isNamed } from "./fleet.ts"
import type { Member } from "./member.ts"
import type { BridgeModel, FleetModels } from "./models.ts"

interface TuneCall {
  signal: AbortSignal
  emit(event: EventOf<typeof tuneKernels>): Promise<void>
}

/**
 * Has every agent that computes with our own kernels tune them, one after the other since several may share a GPU. What an agent finds it keeps; one that
 * fails is absent with what it said.
 */
export async function tuneFleet(
  { fleet, models }: { fleet: Fleet; models: FleetModels },
  { agent, budgetMs }: ParamsOf<typeof tuneKernels>,
  model: BridgeModel | undefined,
  call: TuneCall,
): Promise<ResultOf<typeof tuneKernels>> {
  await fleet.settled(call.signal)
  const named = agent === undefined ? {} : fleet.named(agent)
  const members = fleet.members.filter((member) => isNamed(named, member))
  if (agent !== undefined && members.length === 0) throw fail("IPFA_AGENT_UNKNOWN", { data: { agent } })
  const absent: AbsentDevice[] = fleet
    .hardware()
    .absent.filter((device) => isTunable(device.backend) && isNamed(named, device))
  const rows: ResultOf<typeof tuneKernels>["rows"] = []
  for (const member of members) {
    const device = member.hardware.devices.find(({ backend }) => isTunable(backend))
    if (!device) continue
    try {
      const tuned = await askMember(models, member, budgetMs, model, call)
      rows.push(
        ...tuned.rows.map((row) => ({
          ...row,
          device: { ...row.device, agent: member.agent, browser: member.browser },
        })),
      )
    } catch (cause) {
      if (call.signal.aborted) throw call.signal.reason
      const { code, message } = asAccelerateError(cause)
      // What is wrong with the model is wrong everywhere.
      if (code === "IPFA_MODEL_INVALID") throw cause
      const { agent, browser } = member
      absent.push({ id: device.id, backend: device.backend, agent, browser, reason: message })
    }
  }
  if (rows.length === 0)
    throw noDevice(
      absent.map(({ id, agent, reason }) => ({ device: `${agent}/${id}`, reason })),
      { message: "No agent has tuned kernels: that takes a browser with WebGPU." },
    )
  return { rows, absent }
}

async function askMember(
  models: FleetModels,
  member: Member,
  budgetMs: number,
  model: BridgeModel | undefined,
  { signal, emit }: TuneCall,
): Promise<ResultOf<typeof tuneKernels>> {
  const onEvent = (event: EventOf<typeof tuneKernels>) => emit({ ...event, device: `${member.agent}/${event.device}` })
  const ask = () =>
    member.peer.call(
      "kernels.tune",
      { budgetMs, ...(model && { model: `sha256:${model.sha256}` }) },
      { signal, onEvent },
    )
  return model ? models.withModel(member, [model.main], ask, signal) : ask()
}
