import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { anyTensorSchema } from "../tensor.ts"
import { tuneBudgetMs, tunedKernel } from "./kernels.ts"
import { absentDevice, bytes, count, deviceInfo, id, ms, name, selector, tensorInfo } from "./shared.ts"

/** Compiled code, each piece by a name that the host gives and understands. */
const pipelines = v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(1024))

/** What a pool says to the worker or process that hosts a device. Never reachable by a caller. */

export const probeDevices = defineMethod({
  name: "device.probe",
  title:
    "Finds the devices of this host's backend, computes a known case on each, and says which are there and why others are not.",
  grant: "device",
  params: v.object({}),
  result: v.object({ devices: v.array(deviceInfo), absent: v.array(absentDevice) }),
  errors: [],
})

const files = v.object({
  /** The model's bytes, or (Node) the file that holds them. */
  model: v.union([bytes, v.string()]),
  external: v.optional(v.array(v.object({ path: name, data: v.union([bytes, v.string()]) }))),
})

export const openModel = defineMethod({
  name: "device.open",
  title: "Loads and compiles validated model bytes on a device.",
  grant: "device",
  params: v.object({
    device: selector,
    ...files.entries,
    /** What earlier runs of this model on such a device needed: to be compiled at once. */
    pipelines: v.optional(pipelines),
  }),
  result: v.object({
    handle: id,
    inputs: v.array(tensorInfo),
    outputs: v.array(tensorInfo),
    openMs: ms,
    /** The host's estimate of what the session holds on the device. */
    memoryBytes: count,
    /** For a person, where it does not run all as one would expect: some operators are left to the CPU, or it was opened with fewer optimisations. */
    note: v.optional(v.string()),
  }),
  errors: ["IPFA_DEVICE_UNSUPPORTED", "IPFA_DEVICE_LOST", "IPFA_DEVICE_MEMORY", "IPFA_DEVICE_ABSENT"],
})

export const runModel = defineMethod({
  name: "device.run",
  title: "Runs an open model once.",
  grant: "device",
  params: v.object({
    handle: id,
    feeds: v.record(name, anyTensorSchema),
    keep: v.optional(v.array(name)),
    outputs: v.optional(v.array(name)),
  }),
  result: v.object({
    outputs: v.record(name, anyTensorSchema),
    runMs: ms,
    /** All that runs of this model need, where this run needed more than was known. */
    pipelines: v.optional(pipelines),
  }),
  errors: ["IPFA_RUN_FAILED", "IPFA_DEVICE_LOST", "IPFA_DEVICE_MEMORY", "IPFA_SESSION_KEPT", "IPFA_INPUT_SHAPE"],
})

export const releaseTensors = defineMethod({
  name: "device.release",
  title: "Frees kept tensors.",
  grant: "device",
  params: v.object({ handle: id, kept: v.array(id) }),
  result: v.object({}),
  errors: [],
})

export const closeModel = defineMethod({
  name: "device.close",
  title: "Frees an open model.",
  grant: "device",
  params: v.object({ handle: id }),
  result: v.object({}),
  errors: [],
})

export const tuneDevice = defineMethod({
  name: "device.tune",
  title:
    "Measures, for each kind of work that a model needs, or for common ones, which way to do it is fastest, and keeps what it finds. Other calls get their turn between two kinds.",
  grant: "device",
  params: v.object({
    files: v.optional(files),
    /** Of the model's inputs; an open dimension of one that is not named is 1. */
    shapes: v.optional(v.record(name, v.array(count)), {}),
    budgetMs: tuneBudgetMs,
    /** What was measured earlier is measured once more. */
    anew: v.boolean(),
  }),
  result: v.object({ kernels: v.array(tunedKernel) }),
  event: v.object({ done: count, of: count }),
  events: "latest",
  errors: ["IPFA_DEVICE_UNSUPPORTED", "IPFA_DEVICE_LOST", "IPFA_DEVICE_MEMORY", "IPFA_DEVICE_ABSENT"],
})

export const deviceMemory = defineMethod({
  name: "device.memory",
  title: "What the host holds.",
  grant: "device",
  params: v.object({}),
  result: v.object({
    /** The JS or WASM heap, or the process's resident set; absent where the platform does not tell. */
    heapBytes: v.optional(count),
    sessions: v.array(v.object({ handle: id, memoryBytes: count, keptBytes: count })),
  }),
  errors: [],
})
