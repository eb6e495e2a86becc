/**
 * What stands between each attack of docs/security.md and its harm, and how to take it out: `npm run defences` does, one entry after the other, and says
 * which test notices. Where several lines stand behind each other, one entry takes out all of them; where no line is the defence, it plants a leak.
 */
export interface Defence {
  /** Of docs/security.md. */
  attack: string
  /** What is taken out. */
  what: string
  cuts: readonly Cut[]
  /** Test files that must notice. */
  tests: readonly string[]
  /** Of these, the tests whose full name this regular expression matches; all where absent. */
  names?: string
}

export interface Cut {
  /** Repository path. */
  file: string
  /** Text that is there exactly once. */
  from: string
  /** What stands there without the defence. */
  to: string
}

const cut = (file: string, from: string, to = ""): Cut => ({ file, from, to })

const guard = "bridge-server/http/guard.ts"
const app = "bridge-server/http/app.ts"
const pairing = "bridge-server/access/pairing.ts"
const external = "graph/validate/external.ts"
const scan = "graph/wire/scan.ts"
const tensor = "graph/validate/tensor.ts"
const functions = "graph/validate/functions.ts"
const http = ["test/attacks/bridge-http.test.ts"]
const sockets = ["test/attacks/bridge-sockets.test.ts"]
const agents = ["test/e2e/bridge-agents.test.ts"]
const origins = ["test/attacks/page-origins.test.ts"]
const grants = ["test/unit/gate-grants.test.ts"]
const faults = ["test/attacks/extension-faults.test.ts"]
const retention = ["test/attacks/retention.test.ts"]
const refusals = ["test/attacks/onnx-refusals.test.ts"]
const modelUrl = ["test/attacks/model-url.test.ts"]
const overrun = ["test/unit/pool-overrun.test.ts"]
const loss = ["test/unit/pool-loss.test.ts"]
const turns = ["test/unit/scheduler-turns.test.ts"]
const turnsFile = "scheduler/turns.ts"
const measurements = "engine/pool/measurements.ts"

export const defences: readonly Defence[] = [
  {
    attack: "S1",
    what: "the bridge looks at the Host",
    cuts: [cut(guard, `if (!this.#hosts.has((headers.host ?? "").toLowerCase())) throw fail("IPFA_BRIDGE_HOST")`)],
    tests: http,
    names: "S1",
  },
  {
    attack: "S1",
    what: "a Host without the port is another's",
    cuts: [cut("bridge-server/access/addresses.ts", "if (at === (tls ? 443 : 80)) forms.add(name)", "forms.add(name)")],
    tests: http,
    names: "S1",
  },
  {
    attack: "S2",
    what: "the bridge looks at the Origin",
    cuts: [
      cut(guard, `if (origin !== undefined && !this.#originMay(origin, pairing)) throw fail("IPFA_BRIDGE_ORIGIN")`),
    ],
    tests: http,
    names: "S2",
  },
  {
    attack: "S2",
    what: "an extension comes in only where browsers pair",
    cuts: [cut(guard, "return pairing && isExtensionOrigin(origin)", "return isExtensionOrigin(origin)")],
    tests: sockets,
    names: "S2",
  },
  {
    attack: "S2",
    what: "of foreign origins only an extension's may pair",
    cuts: [cut(guard, "return pairing && isExtensionOrigin(origin)", "return pairing")],
    tests: sockets,
    names: "S2",
  },
  {
    attack: "S2",
    what: "without a token one comes in only where browsers pair",
    cuts: [cut(guard, "const pairing = upgrade && route === PAIRING_PATH", "const pairing = upgrade")],
    tests: sockets,
    names: "S2",
  },
  {
    attack: "S2",
    what: "who has no token may only pair",
    cuts: [cut("bridge-server/fleet/caller.ts", `unpaired: ["none"],`, `unpaired: ["none", "agent"],`)],
    tests: sockets,
    names: "S2",
  },
  {
    attack: "S2",
    what: "an agent's token is worth nothing from another origin",
    cuts: [
      cut(
        "bridge-server/access/agent-tokens.ts",
        "return found?.origin === origin ? found : undefined",
        "return found",
      ),
    ],
    tests: agents,
    names: "from its own origin only",
  },
  {
    attack: "S3",
    what: "nothing but the shells is open without a token",
    cuts: [
      cut(
        guard,
        `unpaired", ...seen }\n    throw fail("IPFA_BRIDGE_TOKEN")`,
        `unpaired", ...seen }\n    return { origin: "owner", role: "owner", ...seen }`,
      ),
    ],
    tests: http,
    names: "S3",
  },
  {
    attack: "S3",
    what: "plain text is no body",
    cuts: [cut(app, `app.removeContentTypeParser("text/plain")`)],
    tests: http,
    names: "S3",
  },
  {
    attack: "S3",
    what: "an inference comes as JSON or octets",
    cuts: [
      cut(
        "bridge-server/http/kserve/routes.ts",
        `if (headers["content-type"] === undefined && headers[HEADER_LENGTH] !== undefined) return done(null, body)`,
        "if (headers) return done(null, body)",
      ),
    ],
    tests: http,
    names: "S3",
  },
  {
    attack: "S4",
    what: "a token is compared",
    cuts: [
      cut(
        "bridge-server/access/token.ts",
        "return timingSafeEqual(hashToken(given), expectedHash)",
        "return given.length >= 0 || timingSafeEqual(hashToken(given), expectedHash)",
      ),
    ],
    tests: http,
    names: "S4",
  },
  {
    attack: "S4",
    what: "tokens and codes are compared in constant time",
    cuts: [
      cut(
        "bridge-server/access/token.ts",
        "return timingSafeEqual(hashToken(given), expectedHash)",
        "return hashToken(given).equals(expectedHash)",
      ),
    ],
    tests: ["test/unit/bridge-token.test.ts"],
  },
  {
    attack: "S4",
    what: "a header that claims a role gives none",
    cuts: [
      cut(
        guard,
        "const token = presentedToken(headers)",
        `if (headers["x-role"] === "owner") return { origin: "owner", role: "owner", ...seen }\n    const token = presentedToken(headers)`,
      ),
    ],
    tests: http,
    names: "S4",
  },
  {
    attack: "S4",
    what: "a token that was had by pairing opens one door",
    cuts: [cut(guard, "if (route !== DOORS[role])", "if (route === undefined)")],
    tests: http,
    names: "S4",
  },
  {
    attack: "S4",
    what: "a role has its own methods",
    cuts: [
      cut(
        "bridge-server/fleet/caller.ts",
        "if (rights[caller.role].includes(method.grant)) return",
        "if (method) return",
      ),
    ],
    tests: sockets,
    names: "S4",
  },
  {
    attack: "S5",
    what: "a code is good once",
    cuts: [cut(pairing, "this.#codes.splice(found, 1)")],
    tests: sockets,
    names: "S5",
  },
  {
    attack: "S5",
    what: "a code is good for five minutes",
    cuts: [cut(pairing, "if ((this.#codes[i]?.until ?? 0) <= now) this.#codes.splice(i, 1)", "continue")],
    tests: sockets,
    names: "S5",
  },
  {
    attack: "S5",
    what: "five wrong codes a minute from each peer",
    cuts: [cut(pairing, `{ name: \`\${network} \${peer.webOrigin ?? ""}\`, most: ATTEMPTS },`)],
    tests: sockets,
    names: "S5",
  },
  {
    attack: "S5",
    what: "twenty wrong codes a minute from each address",
    cuts: [cut(pairing, "{ name: network, most: ATTEMPTS_OF_ADDRESS },")],
    tests: sockets,
    names: "S5",
  },
  {
    attack: "S5",
    what: "all addresses of one IPv6 network count as one",
    cuts: [cut("bridge-server/access/addresses.ts", "    .slice(0, 4)\n")],
    tests: sockets,
    names: "S5",
  },
  {
    attack: "S5",
    what: "a name that was paired stays with its origin",
    cuts: [
      cut(
        "bridge-server/access/agent-tokens.ts",
        `if (known && (known.origin !== origin || (known.role ?? "agent") !== use))`,
        `if (known && (known.role ?? "agent") !== use)`,
      ),
    ],
    tests: sockets,
    names: "S5",
  },
  {
    attack: "S6",
    what: "the bridge's proof is looked at",
    cuts: [
      cut(
        "protocol/bridge-door.ts",
        `return crypto.subtle.verify("HMAC", key, given, text.encode(proofMessage(nonce, new URL(http).host)))`,
        `await crypto.subtle.verify("HMAC", key, given, text.encode(proofMessage(nonce, new URL(http).host)))\n  return true`,
      ),
    ],
    tests: sockets,
    names: "S6",
  },
  {
    attack: "S6",
    what: "a proof names the address that was dialled",
    cuts: [cut("protocol/bridge-door.ts", `\\n\${host.toLowerCase()}\``, "`")],
    tests: sockets,
    names: "S6",
  },
  {
    attack: "S6",
    what: "a proof is given for agents that are not there, too",
    cuts: [
      cut(
        "bridge-server/http/v1.ts",
        `const key = hash ?? guard.decoyHash(agent ?? "")`,
        "if (!hash) return {} as never\n      const key = hash",
      ),
    ],
    tests: sockets,
    names: "S6",
  },
  {
    attack: "S7",
    what: "only a secure page with an origin of its own can be granted anything",
    cuts: [cut("extension/gate/origin.ts", `return url.protocol === "https:" || (`, "return url !== undefined || (")],
    tests: ["test/unit/gate-origin.test.ts"],
  },
  {
    attack: "S7",
    what: "an origin that can't be granted anything can't ask",
    cuts: [cut("extension/gate/gate.ts", `if (!isGrantable(origin)) throw fail("IPFA_GRANT_ORIGIN")`)],
    tests: grants,
    names: "can't even ask",
  },
  {
    attack: "S7",
    what: "a grant is for the exact origin",
    cuts: [
      cut(
        "extension/gate/gate.ts",
        "const grant = this.#grants.get(origin)\n",
        "const grant = [...this.#grants.values()].find((held) => origin.includes(new URL(held.origin).hostname))\n",
      ),
    ],
    tests: grants,
    names: "exact origin",
  },
  {
    attack: "S7",
    what: "a look-alike of another's name is shown to be one",
    cuts: [
      cut(
        "extension/gate/origin.ts",
        `if (labels.includes(undefined) || labels.join(".") === hostname) return`,
        "if (labels) return",
      ),
    ],
    tests: ["test/unit/gate-origin.test.ts"],
  },
  {
    attack: "S7",
    what: "a frame of another page's gets no connection by a port",
    cuts: [cut("extension/background/connections.ts", "sender?.tab && sender.frameId === 0)", "sender?.tab)")],
    tests: origins,
    names: "S7: a content script",
  },
  {
    attack: "S7",
    what: "who is the extension's owner, the browser says",
    cuts: [
      cut("extension/background/connections.ts", "OWNER_PORT && sender?.origin === location.origin)", "OWNER_PORT)"),
    ],
    tests: origins,
    names: "S7: a content script",
  },
  {
    attack: "S7",
    what: "a content script may not ask what the extension's own parts may",
    cuts: [
      cut(
        "extension/entrypoints/background.ts",
        `if (sender.origin !== new URL(browser.runtime.getURL("/")).origin)`,
        "if (!sender)",
      ),
    ],
    tests: origins,
    names: "S7: a content script",
  },
  {
    attack: "S7",
    what: "a frame is given no page script",
    cuts: [cut("extension/background/inject.ts", "tab?.id === undefined || frameId !== 0)", "tab?.id === undefined)")],
    tests: origins,
    names: "S7: a content script",
  },
  {
    attack: "S7",
    what: "only the extension's own parts tell it that a prompt was closed",
    cuts: [
      cut("extension/entrypoints/offscreen/main.ts", `"prompt-closed" && !sender.tab)`, `"prompt-closed" && sender)`),
    ],
    tests: origins,
    names: "S7: a content script",
  },
  {
    attack: "S7",
    what: "only the extension's own parts tell it of an update",
    cuts: [
      cut(
        "extension/entrypoints/offscreen/main.ts",
        `"update-available" && !sender.tab)`,
        `"update-available" && sender)`,
      ),
    ],
    tests: origins,
    names: "S7: a content script",
  },
  {
    attack: "S7",
    what: "a content script hears its own page alone",
    cuts: [cut("extension/page/link.ts", "if (source !== window) return")],
    tests: origins,
    names: "asks the page's content script for a connection",
  },
  {
    attack: "S7",
    what: "the extension's frame serves a top page alone",
    cuts: [cut("extension/entrypoints/frame/main.ts", "if (window.parent !== window.top) return")],
    tests: origins,
    names: "get nothing$|gets nothing$",
  },
  {
    attack: "S7",
    what: "a page without TLS has no API, and its content script takes no part",
    cuts: [
      cut("extension/sites.ts", `"https://*/*",`, `"https://*/*", "http://*/*",`),
      cut(
        "extension/page/link.ts",
        `if (!isSecureContext || origin === "null") return`,
        `if (origin === "null") return`,
      ),
      cut("extension/page/stub.ts", `if (!isSecureContext || origin === "null" ||`, `if (origin === "null" ||`),
    ],
    tests: origins,
    names: "the same host without TLS",
  },
  {
    attack: "S7",
    what: "a page whose origin is null has no API, and its content script takes no part",
    cuts: [
      cut(
        "extension/page/link.ts",
        `if (!isSecureContext || origin === "null") return`,
        "if (!isSecureContext) return",
      ),
      cut("extension/page/stub.ts", `if (!isSecureContext || origin === "null" ||`, "if (!isSecureContext ||"),
    ],
    tests: origins,
    names: "whose origin is null",
  },
  {
    attack: "S8",
    what: "what a method takes is checked where it comes in",
    cuts: [
      cut(
        "protocol/peer.ts",
        `return check(schema, value, part === "params" ? "IPFA_INPUT_INVALID" : "IPFA_PROTOCOL_MALFORMED")`,
        `return check === undefined ? part : value`,
      ),
    ],
    tests: ["test/protocol/hostile.test.ts"],
    names: "tensors that lie",
  },
  {
    attack: "S8",
    what: "a message is checked where it comes in",
    cuts: [cut("protocol/peer.ts", "if (parsed.success) return parsed.output", "if (parsed) return raw as never")],
    tests: ["test/protocol/hostile.test.ts"],
    names: "what is no message ends",
  },
  {
    attack: "S8",
    what: "a page's messages are relayed whole",
    cuts: [
      cut("protocol/transports/extension-port.ts", "if (isChunk(message)) throw", "if (isChunk(undefined)) throw"),
    ],
    tests: ["test/protocol/hostile-channels.test.ts"],
    names: "an extension port",
  },
  {
    attack: "S8",
    what: "a page's calls are held to what its origin was granted",
    cuts: [
      cut(
        "extension/supervisor/pages.ts",
        "authorise: (method) => this.#gate.authorise(method, visitor),",
        "authorise: () => undefined,",
      ),
    ],
    tests: origins,
    names: "speaks the protocol by hand",
  },
  {
    attack: "S9",
    what: "another's upload is not there for who names it",
    cuts: [
      cut(
        "engine/store/library.ts",
        `.filter((link) => link.owner === owner || (!lends && (link.owner === undefined || owner === "owner")))`,
      ),
    ],
    tests: ["test/unit/store-library.test.ts"],
    names: "S9",
  },
  {
    attack: "S9",
    what: "the work is the same, whether or not another has it",
    cuts: [
      cut(
        "engine/store/library.ts",
        "const stat = visible && (await store.stat(visible.sha256))",
        "const stat = sha256 && (await store.stat(sha256)) ? await store.stat(sha256 as string) : undefined",
      ),
    ],
    tests: ["test/unit/store-library.test.ts"],
    names: "S9",
  },
  {
    attack: "S9",
    what: "devices are chosen by what its own owner measured of an upload",
    cuts: [cut("engine/pool/models.ts", "return JSON.stringify([digests, ownedBy, isPrivate])", "return main.sha256")],
    tests: ["test/unit/pool-sessions.test.ts"],
    names: "whatever others ran of equal bytes",
  },
  {
    attack: "S9",
    what: "a private window's runs decide nothing elsewhere, nor after it",
    cuts: [
      cut(measurements, "return model.isPrivate ? this.#private.get(model) : this.#figures", "return this.#figures"),
    ],
    tests: ["test/unit/pool-sessions.test.ts"],
    names: "of a private window",
  },
  {
    attack: "S9",
    what: "a model that has no room is refused alike, however much others hold",
    cuts: [cut("engine/pool/placement.ts", "budgetBytes: this.#settings.budgetBytes,")],
    tests: ["test/unit/pool-memory.test.ts"],
  },
  {
    attack: "S9",
    what: "who was granted nothing is refused alike, whatever is there",
    cuts: [
      cut("extension/gate/gate.ts", `if (!grant || !allowsMethod(grant, need)) throw fail("IPFA_GRANT_REQUIRED")`),
    ],
    tests: grants,
  },
  {
    attack: "S10",
    what: "a body of JSON has at most a megabyte",
    cuts: [cut(app, "bodyLimit: MAX_JSON_BYTES", "bodyLimit: MAX_JSON_BYTES * 1024")],
    tests: http,
    names: "S10: .* a body past",
  },
  {
    attack: "S10",
    what: "an inference's body is bounded",
    cuts: [
      cut("bridge-server/http/kserve/routes.ts", "bodyLimit: MAX_INFER_BYTES", "bodyLimit: MAX_INFER_BYTES * 1024"),
    ],
    tests: http,
    names: "S10: .* a tensor of a gigabyte",
  },
  {
    attack: "S10",
    what: "who has no token has nothing large to say",
    cuts: [cut("bridge-server/http/sockets.ts", "if (bytes > MAX_UNPAIRED_BYTES) socket.terminate()")],
    tests: sockets,
    names: "S10",
  },
  {
    attack: "S10",
    what: "headers come in time",
    cuts: [cut(app, "app.server.headersTimeout = headersMs", "app.server.headersTimeout = 0")],
    tests: ["test/attacks/bridge-slow.test.ts"],
    names: "whose headers come byte by byte",
  },
  {
    attack: "S10",
    what: "so many jobs wait for a device, and no more",
    cuts: [cut("scheduler/queue.ts", "if (this.#size >= this.capacity) {", "if (this.capacity < 0) {")],
    tests: ["test/unit/scheduler-queue.test.ts"],
  },
  {
    attack: "S10",
    what: "who fills the queue makes room for others",
    cuts: [
      cut(
        "scheduler/queue.ts",
        "displaced = this.#displaceFor(entry.origin)",
        "displaced = this.#size < 0 ? this.#displaceFor(entry.origin) : undefined",
      ),
    ],
    tests: ["test/unit/scheduler-queue.test.ts"],
  },
  {
    attack: "S10",
    what: "the inputs of an origin's jobs are bounded",
    cuts: [cut("engine/pool/jobs.ts", "if (held > 0 && held + bytes > queuedBytes)", "if (held < 0)")],
    tests: overrun,
    names: "waiting jobs hold in memory",
  },
  {
    attack: "S10",
    what: "the inputs of a site's one run are bounded",
    cuts: [cut("engine/pool/jobs.ts", "if (limits && bytes > queuedBytes)", "if (limits && bytes < 0)")],
    tests: ["test/unit/shipped-limits.test.ts"],
    names: "one run of what a person grants",
  },
  {
    attack: "S10",
    what: "an origin's running jobs are bounded",
    cuts: [
      cut(
        "engine/pool/jobs.ts",
        "return most === undefined || (this.#running.get(lease.caller.origin) ?? 0) < Math.max(1, most)",
        "return most !== Number.NaN",
      ),
    ],
    tests: ["test/unit/shipped-limits.test.ts"],
    names: "runs 16 jobs at once",
  },
  {
    attack: "S10",
    what: "dimensions are whole, and not negative",
    cuts: [cut("protocol/tensor.ts", "if (!Number.isInteger(dim) || dim < 0 || dim > MAX_ELEMENTS) return Number.NaN")],
    tests: ["test/protocol/hostile.test.ts"],
    names: "tensors that lie",
  },
  {
    attack: "S10",
    what: "a product of dimensions does not overflow",
    cuts: [cut("protocol/tensor.ts", "if (n > MAX_ELEMENTS) return Number.NaN")],
    tests: ["test/protocol/hostile.test.ts"],
    names: "tensors that lie",
  },
  {
    attack: "S10",
    what: "a tensor has as many elements as its shape says",
    cuts: [
      cut(
        "protocol/tensor.ts",
        "return (data as { length: number }).length === length ? undefined :",
        "return length >= 0 ? undefined :",
      ),
    ],
    tests: ["test/protocol/hostile.test.ts"],
    names: "tensors that lie",
  },
  {
    attack: "S10",
    what: "feeds fit the model's inputs",
    cuts: [
      cut(
        "engine/check-feeds.ts",
        'if (typeof dim === "number" && dim !== feed.shape[i]) throw',
        "if (dim === -1) throw",
      ),
    ],
    tests: ["test/unit/backend-host.test.ts"],
  },
  {
    attack: "S10",
    what: "an origin has one prompt open",
    cuts: [
      cut(
        "extension/gate/prompts.ts",
        `if (this.#queue.some((prompt) => prompt.details.origin === origin)) return Promise.reject(fail("IPFA_GRANT_PROMPT"))`,
      ),
    ],
    tests: ["test/unit/gate-prompts.test.ts"],
  },
  {
    attack: "S10",
    what: "who was refused again and again is left unasked",
    cuts: [cut("extension/gate/prompts.ts", "denied.count >= PATIENCE &&", "denied.count < 0 &&")],
    tests: ["test/unit/gate-prompts.test.ts"],
  },
  {
    attack: "S10",
    what: "an origin has so many connections, and no more",
    cuts: [cut("extension/supervisor/pages.ts", `if (open >= MAX_CONNECTIONS) return port.close("IPFA_QUEUE_FULL")`)],
    tests: ["test/unit/shipped-limits.test.ts"],
    names: "64 connections",
  },
  {
    attack: "S10",
    what: "a connection has so many sessions, and no more",
    cuts: [cut("engine/pool/serve.ts", "if (open >= settings.limits.leases)", "if (open < 0)")],
    tests: ["test/unit/shipped-limits.test.ts"],
    names: "1,024 sessions",
  },
  {
    attack: "S10",
    what: "sessions count from when they are asked for",
    cuts: [cut("engine/pool/serve.ts", "this.leases.size + this.#openings", "this.leases.size")],
    tests: ["test/unit/shipped-limits.test.ts"],
    names: "asked for at once",
  },
  {
    attack: "S10",
    what: "sessions of a connection to the bridge count from when they are asked for",
    cuts: [cut("bridge-server/fleet/router.ts", "mine.size + openings >= MAX_SESSIONS", "mine.size >= MAX_SESSIONS")],
    tests: ["test/unit/bridge-router.test.ts"],
    names: "asked for at once",
  },
  {
    attack: "S11",
    what: "external data lies below the model's folder",
    cuts: [cut(external, "if (fault) throw", "if (fault === name) throw")],
    tests: refusals,
    names: "S11: data outside",
  },
  {
    attack: "S11",
    what: "external data is among what was given",
    cuts: [
      cut(external, "if (size === undefined) throw", "if (size === undefined) return name\n  if (size < 0) throw"),
    ],
    tests: refusals,
    names: "S11: data outside",
  },
  {
    attack: "S11",
    what: "external data lies within its file",
    cuts: [cut(external, "if (offset > size || length > size - offset)", "if (size < 0)")],
    tests: refusals,
    names: "S11: data outside",
  },
  {
    attack: "S11",
    what: "so many functions, and no more",
    cuts: [
      cut(
        functions,
        `if (functions.length > limits.functions) throw tooLarge("functions", "functions", limits.functions)`,
      ),
    ],
    tests: refusals,
    names: "S11: functions",
  },
  {
    attack: "S11",
    what: "functions call each other so deep, and no deeper",
    cuts: [
      cut(
        functions,
        `if (depth > limits.functionDepth) throw tooLarge(path, "functions that call functions", limits.functionDepth)`,
      ),
      cut(
        functions,
        `if (sum.depth > limits.functionDepth) throw tooLarge(path, "functions that call functions", limits.functionDepth)`,
      ),
    ],
    tests: refusals,
    names: "S11: functions",
  },
  {
    attack: "S11",
    what: "functions grow so much when they are inlined, and no more",
    cuts: [cut(functions, "if (sum.nodes > limits.expandedNodes)", "if (sum.nodes < 0)")],
    tests: refusals,
    names: "S11: functions",
  },
  {
    attack: "S11",
    what: "calls are matched with so many names, and no more",
    cuts: [cut(functions, "if (sum.names > limits.expandedNames)", "if (sum.names < 0)")],
    tests: refusals,
    names: "S11: functions",
  },
  {
    attack: "S11",
    what: "so many domains are imported, and no more",
    cuts: [
      cut("graph/validate/opsets.ts", "if (imports.length > limits.opsets) throw", "if (imports.length < 0) throw"),
    ],
    tests: refusals,
    names: "S11: functions",
  },
  {
    attack: "S11",
    what: "a model's size is not inferred where that takes many steps",
    cuts: [
      cut("graph/infer/propagate.ts", "if (this.#steps > this.#mostSteps) throw", "if (this.#mostSteps < 0) throw"),
    ],
    tests: ["test/unit/pool-flops.test.ts"],
  },
  {
    attack: "S11",
    what: "a function does not call itself",
    cuts: [cut(functions, "if (open.has(i)) throw", "if (open.has(-1)) throw")],
    tests: refusals,
    names: "S11: functions",
  },
  {
    attack: "S11",
    what: "a dimension is not negative",
    cuts: [cut(tensor, "if (dim < 0n) throw", "if (dim < -(2n ** 99n)) throw")],
    tests: refusals,
    names: "S11: sizes",
  },
  {
    attack: "S11",
    what: "a product of dimensions does not overflow",
    cuts: [cut(tensor, "if (nonZero > Number.MAX_SAFE_INTEGER) throw", "if (nonZero < 0) throw")],
    tests: refusals,
    names: "S11: sizes",
  },
  {
    attack: "S11",
    what: "a tensor has as many bytes as its dimensions say",
    cuts: [cut(tensor, "if (t.rawData.length !== bytes) throw", "if (t.rawData.length < 0) throw")],
    tests: refusals,
    names: "S11: sizes",
  },
  {
    attack: "S11",
    what: "a field ends within its message",
    cuts: [cut(scan, "if (length > end - this.#at) throw this.#truncated()")],
    tests: refusals,
    names: "S11: broken",
  },
  {
    attack: "S11",
    what: "graphs lie so deep in each other, and no deeper",
    cuts: [
      cut(
        scan,
        "if (isGraph && ++this.#graphs > this.#limits.graphDepth) throw",
        "if (isGraph && ++this.#graphs < 0) throw",
      ),
    ],
    tests: refusals,
    names: "S11: broken",
  },
  {
    attack: "S11",
    what: "messages lie so deep in each other, and no deeper",
    cuts: [
      cut(
        scan,
        `if (this.#levels.length > this.#limits.messageDepth) throw this.#over("nested messages", this.#limits.messageDepth)`,
      ),
    ],
    tests: refusals,
    names: "S11: broken",
  },
  {
    attack: "S11",
    what: "so many messages, and no more",
    cuts: [
      cut(scan, `if (++this.#messages > this.#limits.messages) throw this.#over("messages", this.#limits.messages)`),
    ],
    tests: refusals,
    names: "S11: broken",
  },
  {
    attack: "S11",
    what: "a field is given once",
    cuts: [cut(scan, "if (seen & bits) throw", "if (seen & bits & 0) throw")],
    tests: refusals,
    names: "S11: broken",
  },
  {
    attack: "S11",
    what: "no operator loads other files",
    cuts: [
      cut(
        "graph/validate/opsets.ts",
        `if (domain === "com.microsoft" && REACHING_OUT.has(node.opType))`,
        `if (domain === "com.microsoft.none")`,
      ),
    ],
    tests: refusals,
    names: "operator of com.microsoft",
  },
  {
    attack: "S12",
    what: "link-local addresses, where clouds tell secrets, are private",
    cuts: [cut("engine/resolve/address.ts", `["169.254.0.0", 16],`)],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "an IPv4 address within an IPv6 one is judged as itself",
    cuts: [
      cut(
        "engine/resolve/address.ts",
        "if (leadingZero && (f === 0xffff || f === 0) && (e === 0 || e === 0xffff)) return v4Kind(low)",
        `if (leadingZero) return "public"`,
      ),
    ],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "each hop of a redirect is judged",
    cuts: [
      cut(
        "engine/resolve/http-node.ts",
        "const loopback = judge(at, call.loopback)",
        "const loopback = hop > 0 || judge(at, call.loopback)",
      ),
    ],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "what a name resolves to is judged",
    cuts: [
      cut(
        "engine/resolve/http-node.ts",
        "if (bad || addresses.length === 0) return",
        "if (addresses.length === 0) return",
      ),
    ],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "redirects end",
    cuts: [cut("engine/resolve/http-node.ts", "export const MAX_REDIRECTS = 10", "export const MAX_REDIRECTS = 1000")],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "what a redirect brings as user and password does not travel",
    cuts: [cut("engine/resolve/http-node.ts", 'next.username = next.password = next.hash = ""')],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "files are the person's own",
    cuts: [
      cut(
        "engine/resolve/file.ts",
        `if (owner.owner !== "owner") throw fail("IPFA_MODEL_ADDRESS", { data: { scheme: "file" } })`,
      ),
    ],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "private and loopback addresses are refused before and at the request",
    cuts: [
      cut("engine/resolve/https.ts", `if (kind !== "public" && !loopback)`, `if (url.hostname === "")`),
      cut(
        "engine/resolve/http-node.ts",
        `if (kind === "private" || (kind === "loopback" && !loopbackAllowed)) throw refused(url.host)`,
      ),
    ],
    tests: modelUrl,
    names: "^in Node ",
  },
  {
    attack: "S12",
    what: "in a browser the address where redirects ended is judged",
    cuts: [
      cut(
        "engine/resolve/http-browser.ts",
        `if (kind === "private" || (kind === "loopback" && !loopback)) refuse(unreachable(url))`,
      ),
    ],
    tests: ["test/unit/resolve-http-browser.test.ts"],
  },
  {
    attack: "S12",
    what: "in a browser a private address is refused before the request",
    cuts: [cut("engine/resolve/https.ts", `if (kind !== "public" && !loopback)`, `if (url.hostname === "")`)],
    tests: modelUrl,
    names: "^in Chromium ",
  },
  {
    attack: "S12",
    what: "the extension reads only what everyone may read",
    cuts: [
      cut(
        "engine/resolve/http-browser.ts",
        `if (options.privileged && kind === "public" &&`,
        `if (options.privileged && kind === "private" &&`,
      ),
    ],
    tests: modelUrl,
    names: "^in the extension",
  },
  {
    attack: "S12",
    what: "the person's cookies do not travel",
    cuts: [cut("engine/resolve/http-browser.ts", `credentials: "omit"`, `credentials: "include"`)],
    tests: modelUrl,
    names: "^in the extension",
  },
  {
    attack: "S12",
    what: "in the extension, too, the address where redirects ended is judged",
    cuts: [
      cut(
        "engine/resolve/http-browser.ts",
        `if (kind === "private" || (kind === "loopback" && !loopback)) refuse(unreachable(url))`,
      ),
    ],
    tests: modelUrl,
    names: "^in the extension",
  },
  {
    attack: "S13",
    what: "a GPU is given no node that is too large",
    cuts: [cut("engine/backends/node-bound.ts", "if (!found) return\n", "if (!found || perNode) return\n")],
    tests: ["test/unit/backend-node-bound.test.ts"],
  },
  {
    attack: "S13",
    what: "a run that keeps others waiting is ended",
    cuts: [
      cut("engine/pool/lane.ts", "if (first && this.#keepsOthers(first)) this.#endIfKept(first, this.#turnMs(first))"),
    ],
    tests: overrun,
    names: "S13",
  },
  {
    attack: "S13",
    what: "who kept others waiting keeps away",
    cuts: [cut("engine/pool/lane.ts", "if (origin !== undefined) this.#owner.blame(origin, this.host.backend)")],
    tests: overrun,
    names: "S13",
  },
  {
    attack: "S13",
    what: "on a GPU the others are sent elsewhere first",
    cuts: [
      cut("engine/pool/lane.ts", "if (this.host.isGpu && !this.isHeldUp) {", "if (this.host.isGpu && this.isHeldUp) {"),
    ],
    tests: overrun,
    names: "S13",
  },
  {
    attack: "S13",
    what: "a run alone on a device ends after five minutes",
    cuts: [cut("engine/pool/lane.ts", "this.#watch = upkeepTimer(look, runMs)", "void look")],
    tests: ["test/unit/pool-cancel.test.ts"],
    names: "by nobody does not hang",
  },
  {
    attack: "S13",
    what: "a GPU that was lost twice is left alone for two minutes",
    cuts: [
      cut(
        "engine/pool/loss-policy.ts",
        "(gpu.count > 1 ? gpu.at + GPU_LOSS_WINDOW_MS : now)",
        "(gpu.count > 1e9 ? gpu.at + GPU_LOSS_WINDOW_MS : now)",
      ),
    ],
    tests: loss,
  },
  {
    attack: "S13",
    what: "the origin under whose job a GPU was lost keeps away from it",
    cuts: [
      cut(
        "engine/pool/blame.ts",
        "return record.at + wait > now ? record.at + wait : 0",
        "return wait < 0 ? record.at : 0",
      ),
    ],
    tests: loss,
  },
  {
    attack: "S13",
    what: "who lost a GPU twice may not force it either",
    cuts: [cut("engine/pool/blame.ts", "record.count > 1 ? TWICE_MS :", "record.count > 1e9 ? TWICE_MS :")],
    tests: loss,
  },
  {
    attack: "S13",
    what: "models and kept tensors stay within the memory that there is",
    cuts: [cut("engine/pool/eviction.ts", "return excess <= 0 ? chosen : undefined", "return chosen")],
    tests: ["test/unit/pool-memory.test.ts"],
  },
  {
    attack: "S13",
    what: "an origin's memory is bounded",
    cuts: [cut("engine/pool/leases.ts", "if (usedBytes + neededBytes <= most) return", "if (most) return")],
    tests: ["test/unit/pool-memory.test.ts"],
  },
  {
    attack: "S13",
    what: "who holds most of the memory gives way",
    cuts: [
      cut(
        "engine/pool/take-back.ts",
        "if (!most || most.bytes <= afterBytes) return undefined",
        "if (most || !most) return undefined",
      ),
    ],
    tests: ["test/unit/pool-memory.test.ts", "test/unit/shipped-limits.test.ts"],
  },
  {
    attack: "S13",
    what: "who holds no more than another would gives nothing",
    cuts: [cut("engine/pool/take-back.ts", "if (!most || most.bytes <= afterBytes)", "if (!most || afterBytes < 0)")],
    tests: ["test/unit/pool-memory.test.ts"],
  },
  {
    attack: "S13",
    what: "memory is taken back from what runs, too",
    cuts: [cut("engine/pool/room.ts", "if (!busy) throw error", "if (!busy || busy[0]) throw error")],
    tests: ["test/unit/pool-memory.test.ts"],
    names: "by jobs|by a run|set aside",
  },
  {
    attack: "S13",
    what: "who gives way does so for what another keeps, too",
    cuts: [
      cut(
        "engine/pool/room.ts",
        "if (!this.#plan(this.#claim(origin, 0, loaded))) throw error",
        "if (loaded) throw error",
      ),
    ],
    tests: ["test/unit/pool-memory.test.ts"],
    names: "another keeps, too",
  },
  {
    attack: "S13",
    what: "benchmarks that are begun at once have their site's memory",
    cuts: [cut("engine/pool/benchmark.ts", "leases.checkMemory(caller)\n    const once", "const once")],
    tests: ["test/unit/pool-benchmark.test.ts"],
    names: "begun at once",
  },
  {
    attack: "S16",
    what: "a page whose pool ended finds the next",
    cuts: [
      cut(
        "extension/page/connection.ts",
        "        forget()\n      })\n      return peer",
        "      })\n      return peer",
      ),
    ],
    tests: ["test/unit/page-connection.test.ts"],
  },
  {
    attack: "S16",
    what: "a page whose pool ended finds the next, in a browser",
    cuts: [
      cut(
        "extension/page/connection.ts",
        "        forget()\n      })\n      return peer",
        "      })\n      return peer",
      ),
    ],
    tests: faults,
    names: "the offscreen document is closed",
  },
  {
    attack: "S16",
    what: "what a worker that was killed had is run again",
    cuts: [cut("engine/pool/lane.ts", "else again.push(turn)", "else void again")],
    tests: loss,
    names: "is replaced, and the job it had is run again",
  },
  {
    attack: "S16",
    what: "the work of a connection that ended ends",
    cuts: [
      cut("engine/pool/serve.ts", "readonly dispose = (): void => this.#end(", "readonly dispose = (): void => void ("),
    ],
    tests: ["test/unit/pool-cancel.test.ts"],
    names: "a connection that ends",
  },
  {
    attack: "S16",
    what: "a page that never told of its life has none",
    cuts: [cut("extension/supervisor/lives.ts", "if (!life.begun) setTimeout(", "if (life.begun) setTimeout(")],
    tests: ["test/unit/gate-lives.test.ts"],
  },
  {
    attack: "S16",
    what: "the work of a page that has gone ends",
    cuts: [cut("extension/supervisor/pages.ts", "void ended?.then(() => peer.close())")],
    tests: ["test/unit/supervisor-pages.test.ts"],
  },
  {
    attack: "S16",
    what: "the work of a page that has gone ends, on a GPU, too",
    cuts: [cut("extension/supervisor/pages.ts", "void ended?.then(() => peer.close())")],
    tests: ["test/attacks/orphan-gpu.test.ts"],
    names: "rests soon after the page that asked has gone$",
  },
  {
    attack: "S16",
    what: "an update waits until nothing is wanted",
    cuts: [
      cut("extension/supervisor/pending-update.ts", "if (this.#isBusy()) {", "if (this.#isBusy() && !this.#isThere) {"),
    ],
    tests: ["test/unit/supervisor-pending-update.test.ts"],
  },
  {
    attack: "S17",
    what: "what was revoked ends",
    cuts: [cut("extension/gate/gate.ts", "    ended.abort(fail(code))", "    void [ended, code]")],
    tests: grants,
  },
  {
    attack: "S17",
    what: "a caller whose right ended has its jobs ended",
    cuts: [
      cut(
        "engine/pool/serve.ts",
        "for (const job of [...lease.jobs]) if (isRevoked || !job.isShared) jobs.abort(job, asAccelerateError(error))",
        "void [jobs, isRevoked]",
      ),
    ],
    tests: ["test/unit/pool-cancel.test.ts"],
    names: "with its caller's right",
  },
  {
    attack: "S17",
    what: "an agent whose token was taken back is cut off",
    cuts: [
      cut(
        "bridge-server/http/sockets.ts",
        "for (const [peer, caller] of connections) if (caller.agent === agent) peer.close(reason)",
        "void [agent, reason]",
      ),
    ],
    tests: agents,
    names: "S17",
  },
  {
    attack: "S18",
    what: "(planted) an agent's token is kept as it is",
    cuts: [
      cut(
        "bridge-server/access/agent-tokens.ts",
        "const paired: PairedAgent = { agent, hash",
        "const paired: PairedAgent = { agent, ...{ token }, hash",
      ),
    ],
    tests: agents,
    names: "on disk as its hash only",
  },
  {
    attack: "S18",
    what: "secrets that get as far as the log are hidden there",
    cuts: [
      cut(
        "bridge-server/log.ts",
        `paths: ["token", "code", "feeds", "outputs", "*.token", "*.feeds", "*.outputs", "*.headers"]`,
        "paths: []",
      ),
    ],
    tests: ["test/unit/bridge-log.test.ts"],
  },
  {
    attack: "S18",
    what: "what an error says itself is logged at debug alone",
    cuts: [
      cut("bridge-server/log.ts", `level === "debug" || level === "trace" ? wholeError : kindOfError`, "wholeError"),
    ],
    tests: ["test/unit/bridge-log.test.ts"],
    names: "of an error it has the kind|can't be fetched",
  },
  {
    attack: "S18",
    what: "what an error says itself is logged at debug alone, also where ONNX Runtime says it",
    cuts: [
      cut("bridge-server/log.ts", `level === "debug" || level === "trace" ? wholeError : kindOfError`, "wholeError"),
    ],
    tests: retention,
    names: "runs that fail",
  },
  {
    attack: "S18",
    what: "why an agent left is logged by the kind of error",
    cuts: [cut("bridge-server/fleet/fleet.ts", "error?.entry.message ?? ", "error?.message ?? ")],
    tests: ["test/unit/bridge-leases.test.ts"],
    names: "why an agent left",
  },
  {
    attack: "S18",
    what: "of a model's address the query is not kept",
    cuts: [cut("bridge-server/storage/evidence.ts", 'reference.replace(/\\?[^#]*/, "")', "reference")],
    tests: ["test/unit/evidence.test.ts"],
    names: "without its query",
  },
  {
    attack: "S18",
    what: "what is granted in a private window is not kept",
    cuts: [
      cut("extension/gate/gate.ts", `const lifetime = visitor.isPrivate ? "once" : answer`, "const lifetime = answer"),
    ],
    tests: ["test/unit/gate-barred.test.ts"],
  },
  {
    attack: "S18",
    what: "(planted) the bridge's log has the headers of each request",
    cuts: [
      cut(app, "async ({ method, routeOptions },", "async ({ method, routeOptions, headers },"),
      cut(app, "agents.log.debug({ method,", "agents.log.info({ said: JSON.stringify(headers), method,"),
    ],
    tests: retention,
  },
  {
    attack: "S18",
    what: "(planted) the extension's list of jobs has what was computed",
    cuts: [
      cut(
        "engine/pool/jobs.ts",
        "onJob({ ...jobName(job),",
        "onJob({ ...{ said: JSON.stringify(job.params.feeds).slice(0, 400) }, ...jobName(job),",
      ),
    ],
    tests: retention,
  },
  {
    attack: "starve",
    what: "time is charged by what was taken",
    cuts: [
      cut(
        turnsFile,
        "this.#queue.charge(origin, this.#price(origin, tookMs) - cost)",
        "void [this.#price(origin, tookMs), cost]",
      ),
    ],
    tests: turns,
  },
  {
    attack: "starve",
    what: "a device is kept free a moment for who comes back at once",
    cuts: [
      cut(
        turnsFile,
        "const held = entry && this.#keepFree(entry, now)",
        "const held = entry && now < 0 ? this.#keepFree(entry, now) : undefined",
      ),
    ],
    tests: turns,
  },
  {
    attack: "starve",
    what: "who has a pile of long jobs is charged its delays of others",
    cuts: [cut(turnsFile, "if (this.#queue.waiting(origin) < PILE) return tookMs", "if (PILE) return tookMs")],
    tests: turns,
  },
  {
    attack: "starve",
    what: "who was waited for pays for it",
    cuts: [cut(turnsFile, "if (now > since) this.#queue.charge(held.origin, now - since)")],
    tests: turns,
  },
  {
    attack: "starve",
    what: "what is long is not sent ahead of its turn",
    cuts: [cut(turnsFile, "if (entry && this.#inside.size >= places && !this.#maySendAhead(entry)) return undefined")],
    tests: turns,
  },
]
