import type { FastifyInstance } from "fastify"
import * as v from "valibot"
import {
  check,
  codeUse,
  fail,
  fleetMember,
  hardwareReport,
  invitation,
  modelReference,
  sha256,
  status,
  storedBenchmark,
  storedModel,
} from "../../protocol/index.ts"
import type { AgentTokens } from "../access/agent-tokens.ts"
import type { Pairing } from "../access/pairing.ts"
import { bridgeProof } from "../access/proof.ts"
import type { Router } from "../fleet/router.ts"
import { VERSION } from "../version.ts"
import type { Guard } from "./guard.ts"
import { errorAnswers, shown, untilClosed } from "./route.ts"

export interface V1Parts {
  router: Router
  pairing: Pairing
  tokens: AgentTokens
  guard: Guard
}

const addModel = v.object({
  /** A reference, or `sha256:…` of an upload. */
  reference: modelReference,
  /** The name to give it, for KServe's paths. */
  name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
})
const proofQuery = v.object({
  nonce: v.pipe(v.string(), v.regex(/^[\w-]{16,128}$/, "16 to 128 letters, digits, - and _")),
  agent: v.optional(v.pipe(v.string(), v.maxLength(128))),
})
const benchmarksQuery = v.object({
  agent: v.optional(v.pipe(v.string(), v.maxLength(128))),
  device: v.optional(v.pipe(v.string(), v.maxLength(128))),
  model: v.optional(v.pipe(v.string(), v.maxLength(128))),
  limit: v.optional(v.pipe(v.string(), v.regex(/^\d{1,4}$/), v.transform(Number))),
})
const invite = v.object({ for: v.optional(codeUse, "agent") })
const bridgeStatus = v.object({ ...status.entries, agents: v.array(v.omit(fleetMember, ["joinedAt"])) })
const benchmarks = v.object({
  benchmarks: v.array(
    v.object({
      ...storedBenchmark.entries,
      backend: v.string(),
      scenario: v.string(),
      samplesMs: v.array(v.number()),
    }),
  ),
  /** Steady runs, by agent, device and model: all of the last two years, and the median of those that are kept one by one. */
  runs: v.array(
    v.object({
      agent: v.string(),
      device: v.string(),
      backend: v.string(),
      adapter: v.string(),
      model: v.string(),
      n: v.number(),
      failed: v.number(),
      p50Ms: v.number(),
    }),
  ),
})
const pairedAgent = v.object({
  agent: v.string(),
  /** What its token is good for; absent for an agent. */
  role: v.optional(v.literal("dashboard")),
  origin: v.optional(v.string()),
  label: v.optional(v.string()),
  pairedAt: v.number(),
  connected: v.boolean(),
})
const alias = v.object({ name: v.string(), reference: v.string(), shipped: v.boolean() })

/** What is ours: status, devices, evidence, models, pairing. */
export function v1(app: FastifyInstance, { router, pairing, tokens, guard }: V1Parts): void {
  const { models, fleet, evidence } = router.parts
  const ok = (schema: v.GenericSchema, description: string) => ({
    200: { description, ...shown(schema) },
    ...errorAnswers,
  })

  app.get(
    "/v1/status",
    {
      schema: {
        tags: ["bridge"],
        summary: "What is loaded, what runs, who is there.",
        response: ok(bridgeStatus, "Status."),
      },
    },
    async (_, reply) => {
      const agents = fleet.members.map((m) => ({
        agent: m.agent,
        browser: m.browser,
        version: m.version,
        devices: m.hardware.devices.map((d) => d.id),
        suspect: m.suspect,
        ...m.load,
      }))
      return { ...(await router.status(untilClosed(reply))), agents }
    },
  )
  app.get(
    "/v1/devices",
    {
      schema: {
        tags: ["bridge"],
        summary: "Every device of every agent, and every one that can't be had, with the reason.",
        response: ok(hardwareReport, "Devices."),
      },
    },
    (_, reply) => router.hardware(untilClosed(reply)),
  )
  app.get(
    "/v1/benchmarks",
    {
      schema: {
        tags: ["evidence"],
        summary: "Latest benchmarks first, with their raw samples.",
        querystring: shown(benchmarksQuery),
        response: ok(
          benchmarks,
          "Benchmarks, and how many steady runs there were, with the median of the last 30 days', or of older days' medians.",
        ),
      },
    },
    async (request) => {
      const query = check(benchmarksQuery, request.query, "IPFA_INPUT_INVALID")
      if (!evidence) throw fail("IPFA_STORAGE_QUERY", { message: "This bridge-server keeps no evidence." })
      const [benchmarks, runs] = await Promise.all([evidence.benchmarks(query), evidence.runs(query)])
      return { benchmarks, runs }
    },
  )

  app.get(
    "/v1/models",
    {
      schema: {
        tags: ["models"],
        summary: "Stored models and their names.",
        response: ok(
          v.object({
            aliases: v.array(alias),
            models: v.array(storedModel),
            usedBytes: v.number(),
            quotaBytes: v.number(),
          }),
          "Models.",
        ),
      },
    },
    async () => ({ aliases: models.aliases.list(), ...(await models.source.list()) }),
  )
  app.post(
    "/v1/models",
    {
      schema: {
        tags: ["models"],
        summary: "Gets a model, verifies it, and gives it a name.",
        body: shown(addModel),
        response: ok(
          v.object({
            reference: modelReference,
            sha256,
            bytes: v.number(),
            stored: v.boolean(),
            name: v.optional(v.string()),
          }),
          "The model; `stored` where its bytes were here before.",
        ),
      },
    },
    async (request, reply) => {
      const { reference, name } = check(addModel, request.body, "IPFA_INPUT_INVALID")
      const { sha256, bytes, stored } = await models.source.acquire(
        models.aliases.resolve(reference),
        { owner: "owner" },
        { signal: untilClosed(reply) },
      )
      if (name !== undefined) models.aliases.add(name, models.aliases.resolve(reference))
      return { reference, sha256, bytes, stored, ...(name !== undefined && { name }) }
    },
  )
  app.delete<{ Params: { model: string } }>(
    "/v1/models/:model",
    {
      schema: {
        tags: ["models"],
        summary: "Removes a name, or (by its SHA-256) a stored model.",
        response: ok(v.object({ removed: v.literal(true) }), "It is removed."),
      },
    },
    async (request) => {
      const { model } = request.params
      const sha256 = /^(?:sha256:)?([0-9a-f]{64})$/.exec(model)?.[1]
      const removed = sha256 ? await models.source.delete(sha256) : models.aliases.remove(model)
      if (!removed) throw fail("IPFA_MODEL_NOT_FOUND", { data: { model } })
      return { removed }
    },
  )

  app.post(
    "/v1/pairing",
    {
      schema: {
        tags: ["agents"],
        summary: "A code with which one agent can be paired, or the dashboard be opened, once, within five minutes.",
        body: shown(invite),
        response: ok(invitation, "The code, and where it is good."),
      },
    },
    async (request) => {
      const { for: use } = check(invite, request.body ?? {}, "IPFA_INPUT_INVALID")
      return { ...pairing.create(use), addresses: guard.addresses }
    },
  )
  app.get(
    "/v1/agents",
    {
      schema: {
        tags: ["agents"],
        summary: "The agents that were paired.",
        response: ok(v.object({ agents: v.array(pairedAgent) }), "Agents, and dashboards."),
      },
    },
    async () => ({ agents: tokens.list().map((a) => ({ ...a, connected: fleet.get(a.agent) !== undefined })) }),
  )
  app.delete<{ Params: { agent: string } }>(
    "/v1/agents/:agent",
    {
      schema: {
        tags: ["agents"],
        summary: "Takes an agent's token back and ends its connection.",
        response: ok(v.object({ revoked: v.literal(true) }), "It is taken back."),
      },
    },
    async (request) => {
      const { agent } = request.params
      if (!tokens.revoke(agent)) throw fail("IPFA_AGENT_UNKNOWN", { data: { agent } })
      return { revoked: true }
    },
  )

  app.get(
    "/v1/proof",
    {
      schema: {
        tags: ["agents"],
        summary: "Shows that this is the bridge-server that knows your token, before you send it.",
        description:
          "HMAC-SHA-256 in hexadecimal; key: SHA-256 of the token; message: `ipfa-bridge-proof`, the nonce and the Host you called, each but the last followed by a newline. With `agent`, the token of that agent.",
        security: [],
        querystring: shown(proofQuery),
        response: ok(v.object({ version: v.string(), proof: v.string() }), "The proof."),
      },
    },
    async (request) => {
      const { nonce, agent } = check(proofQuery, request.query, "IPFA_INPUT_INVALID")
      const hash = agent === undefined ? guard.ownerHash : tokens.hashOf(agent)
      // The same answer, whether or not such an agent was ever paired: one that nobody can check.
      const key = hash ?? guard.decoyHash(agent ?? "")
      return { version: VERSION, proof: bridgeProof(key, nonce, request.headers.host ?? "") }
    },
  )
}
