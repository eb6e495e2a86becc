import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { anyTensorSchema } from "../tensor.ts"
import {
  count,
  deviceInfo,
  fallback,
  id,
  modelReference,
  ms,
  name,
  precision,
  progress,
  selector,
  sha256,
  tensorInfo,
} from "./shared.ts"

const feeds = v.record(name, anyTensorSchema)

export const sessionInfo = v.object({
  sessionId: id,
  model: v.object({ reference: modelReference, sha256, bytes: count }),
  inputs: v.array(tensorInfo),
  outputs: v.array(tensorInfo),
  device: deviceInfo,
  /** The device that would have served, had it been able to; absent where the answer comes from the first choice. */
  fellBackFrom: v.optional(fallback),
  /** From the request until the session could run: download, verification, validation and compilation. */
  loadMs: ms,
  /** Of that, opening and compiling on the device. */
  openMs: ms,
  /** The bytes came from this agent's store, not from elsewhere. */
  stored: v.boolean(),
  /** For a person, where it does not run all as one would expect: some operators are left to the CPU, or it was opened with fewer optimisations. */
  note: v.optional(v.string()),
})
export type SessionInfo = v.InferOutput<typeof sessionInfo>

export const openSession = defineMethod({
  name: "session.open",
  title:
    "Loads a model on a device and leases a session to the caller; those who load the same model on the same device share it.",
  grant: "infer",
  params: v.object({
    model: modelReference,
    /** A device that must serve it; without one the scheduler chooses. */
    device: v.optional(selector),
    /** Only this agent, by id or by browser (bridge). */
    agent: v.optional(name),
    /** What most of the model's weights must be: nothing is converted. */
    precision: v.optional(precision),
    /** ONNX external data: file name in the model → reference to its bytes. */
    external: v.optional(v.record(name, modelReference)),
  }),
  result: sessionInfo,
  event: progress,
  events: "latest",
  errors: [
    "IPFA_MODEL_REFERENCE",
    "IPFA_MODEL_SCHEME",
    "IPFA_MODEL_NOT_FOUND",
    "IPFA_MODEL_FETCH",
    "IPFA_MODEL_ADDRESS",
    "IPFA_MODEL_DIGEST",
    "IPFA_MODEL_CHANGED",
    "IPFA_MODEL_INVALID",
    "IPFA_MODEL_PRECISION",
    "IPFA_MODEL_TOO_LARGE",
    "IPFA_STORE_QUOTA",
    "IPFA_DEVICE_ABSENT",
    "IPFA_DEVICE_NONE",
    "IPFA_DEVICE_MEMORY",
    "IPFA_DEVICE_UNSUPPORTED",
    "IPFA_AGENT_UNKNOWN",
  ],
})

export const runResult = v.object({
  outputs: feeds,
  device: id,
  agent: v.optional(id),
  /** Set where the session had to move to another device since it was opened. */
  fellBackFrom: v.optional(fallback),
  timing: v.object({
    /** Waiting for the device. */
    queueMs: ms,
    /** On the device, as its host measured it. */
    runMs: ms,
  }),
  /** How often the job was run again because a device was lost under it, or was far later than usual. */
  reruns: count,
})
export type RunResult = v.InferOutput<typeof runResult>

export const runSession = defineMethod({
  name: "session.run",
  title: "Runs a session once.",
  grant: "infer",
  params: v.object({
    sessionId: id,
    feeds,
    /** Outputs that stay on the device, to feed a later run; they come back as kept tensors. */
    keep: v.optional(v.array(name)),
    /** Outputs that are wanted; all of them where absent. */
    outputs: v.optional(v.array(name)),
  }),
  result: runResult,
  errors: [
    "IPFA_SESSION_UNKNOWN",
    "IPFA_SESSION_KEPT",
    "IPFA_INPUT_SHAPE",
    "IPFA_RUN_FAILED",
    "IPFA_JOB_LOST",
    "IPFA_QUEUE_FULL",
    "IPFA_PROTOCOL_TOO_LARGE",
    "IPFA_DEVICE_LOST",
    "IPFA_DEVICE_MEMORY",
  ],
})

export const releaseKept = defineMethod({
  name: "session.release",
  title: "Frees tensors that were kept on the device.",
  grant: "infer",
  params: v.object({ sessionId: id, kept: v.array(id) }),
  result: v.object({}),
  errors: ["IPFA_SESSION_UNKNOWN"],
})

export const closeSession = defineMethod({
  name: "session.close",
  title: "Gives a session back; the model stays loaded while others use it or memory is plenty.",
  grant: "infer",
  params: v.object({ sessionId: id }),
  result: v.object({}),
  errors: [],
})
