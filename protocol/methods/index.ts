import type { MethodDefinition } from "../define-method.ts"
import { beat, joinFleet, pairAgent, recordEvidence } from "./agent.ts"
import { inviteBrowser, readHistory, watchDashboard } from "./dashboard.ts"
import { closeModel, deviceMemory, openModel, probeDevices, releaseTensors, runModel, tuneDevice } from "./device.ts"
import { requestGrant } from "./grant.ts"
import { admitAgent, carryByHost, holdBridge, pairByHost, sendByHost } from "./host.ts"
import { clearJobs, watchJobs } from "./job.ts"
import { tuneKernels } from "./kernels.ts"
import { clearModels, deleteModel, listModels, putModel, readModel } from "./model.ts"
import {
  answerPrompt,
  eraseAll,
  findBridge,
  forgetBridge,
  pairBridge,
  prefer,
  restartOwner,
  revokeGrant,
  showPrompt,
  switchSite,
  watchOwner,
} from "./owner.ts"
import { closeSession, openSession, releaseKept, runSession } from "./session.ts"
import { clearBenchmarks, getStatus, listBenchmarks, reportHardware, runBenchmark } from "./status.ts"

/** Every method there is. What is not in this list can't be called. */
export const methods = [
  requestGrant,
  reportHardware,
  getStatus,
  putModel,
  listModels,
  deleteModel,
  clearModels,
  readModel,
  openSession,
  runSession,
  releaseKept,
  closeSession,
  runBenchmark,
  listBenchmarks,
  clearBenchmarks,
  tuneKernels,
  pairAgent,
  joinFleet,
  beat,
  recordEvidence,
  watchDashboard,
  readHistory,
  inviteBrowser,
  probeDevices,
  openModel,
  runModel,
  releaseTensors,
  closeModel,
  tuneDevice,
  deviceMemory,
  watchOwner,
  prefer,
  switchSite,
  eraseAll,
  restartOwner,
  revokeGrant,
  showPrompt,
  answerPrompt,
  pairBridge,
  findBridge,
  forgetBridge,
  watchJobs,
  clearJobs,
  pairByHost,
  carryByHost,
  sendByHost,
  admitAgent,
  holdBridge,
] as const satisfies readonly MethodDefinition[]

export type Methods = { [M in (typeof methods)[number] as M["name"]]: M }
export type MethodName = keyof Methods

export * from "./agent.ts"
export * from "./dashboard.ts"
export * from "./device.ts"
export * from "./grant.ts"
export * from "./host.ts"
export * from "./job.ts"
export * from "./kernels.ts"
export * from "./model.ts"
export * from "./owner.ts"
export * from "./session.ts"
export * from "./shared.ts"
export * from "./status.ts"
