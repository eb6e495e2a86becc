import * as v from "valibot"
import { answerCalls } from "../../protocol/answering.ts"
import {
  type CallOptions,
  contractOf,
  defineMethod,
  type ErrorCode,
  fail,
  type Handlers,
  type MethodDefinition,
  methods,
  PeerCore,
  type PeerOptions,
  type Port,
} from "../../protocol/index.ts"

/** Methods that only tests have, for what no shipped method does; served in this process and in children alike. */

const empty = v.object({})
const declarations = [
  defineMethod({
    name: "test.echo",
    title: "Answers what it got.",
    grant: "none",
    params: v.object({ value: v.unknown(), transfer: v.optional(v.boolean(), false) }),
    result: v.object({ value: v.unknown() }),
    errors: [],
  }),
  defineMethod({
    name: "test.fail",
    title: "Fails with a code, or with an error of the platform.",
    grant: "none",
    params: v.object({ code: v.optional(v.string()), odd: v.optional(v.boolean()) }),
    result: empty,
    errors: [],
  }),
  defineMethod({
    name: "test.count",
    title: "Streams 0 … n − 1.",
    grant: "none",
    params: v.object({ n: v.number(), awaited: v.optional(v.boolean(), true) }),
    result: v.object({ sent: v.number() }),
    event: v.object({ i: v.number() }),
    events: "all",
    errors: [],
  }),
  defineMethod({
    name: "test.progress",
    title: "Reports 0 … n − 1, of which only the latest matters.",
    grant: "none",
    params: v.object({ n: v.number() }),
    result: empty,
    event: v.object({ i: v.number() }),
    events: "latest",
    errors: [],
  }),
  defineMethod({
    name: "test.hang",
    title: "Says that it began and waits for its end.",
    grant: "none",
    params: v.object({ name: v.string() }),
    result: empty,
    event: empty,
    events: "all",
    errors: [],
  }),
  defineMethod({
    name: "test.ends",
    title: "How calls of test.hang ended, by name.",
    grant: "none",
    params: empty,
    result: v.object({ ends: v.record(v.string(), v.string()) }),
    errors: [],
  }),
  defineMethod({
    name: "test.close",
    title: "Ends the connection.",
    grant: "none",
    params: v.object({ code: v.optional(v.string()) }),
    result: empty,
    errors: [],
  }),
] as MethodDefinition[]

export const testContract = contractOf([...methods, ...declarations])

export function testClient(port: Port, options: Partial<PeerOptions<undefined>> = {}): PeerCore {
  return new PeerCore(port, { role: "test", ...options }, testContract, answerCalls)
}

export function testServer(port: Port, options: Partial<PeerOptions<undefined>> = {}): PeerCore {
  const ends: Record<string, string> = {}
  const handlers = {
    "test.echo": ({ value, transfer }, call) => {
      if (transfer) call.transfer([(value as Uint8Array<ArrayBuffer>).buffer])
      return { value }
    },
    "test.fail": ({ code, odd }) => {
      // What no channel carries: a function to clone, a bigint and a circle to write as JSON.
      const circle: Record<string, unknown> = { f: () => {}, n: 1n }
      circle.circle = circle
      if (odd) throw fail(code as ErrorCode, { data: circle })
      if (!code) throw new RangeError("something of the platform")
      throw fail(code as ErrorCode, { data: { where: "there", limit: 7 }, cause: new TypeError("the reason") })
    },
    "test.count": async ({ n, awaited }, { emit }) => {
      for (let i = 0; i < n; i++) {
        const sent = emit({ i })
        if (awaited) await sent
      }
      return { sent: n }
    },
    "test.progress": async ({ n }, { emit }) => {
      for (let i = 0; i < n; i++) void emit({ i })
      return {}
    },
    "test.hang": ({ name }, { signal, emit }) => {
      void emit({})
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          ends[name] = signal.reason.code
          reject(signal.reason)
        }),
      )
    },
    "test.ends": () => ({ ends }),
    "test.close": ({ code }) => {
      server.close(code ? fail(code as ErrorCode) : undefined)
      return {}
    },
    "device.run": ({ feeds }) => ({ outputs: feeds, runMs: 0 }),
    // biome-ignore lint/suspicious/noExplicitAny: the test methods are not in the registry that types handlers
  } as Record<string, (params: any, call: any) => unknown>
  const server: PeerCore = new PeerCore(
    port,
    { role: "test server", handlers: handlers as Handlers<undefined>, ...options },
    testContract,
    answerCalls,
  )
  return server
}

/** `peer.call` for the methods above. */
export function call<Result = unknown>(
  peer: PeerCore,
  name: string,
  params: unknown = {},
  options: Omit<CallOptions<MethodDefinition>, "onEvent"> & { onEvent?(event: unknown): void | Promise<void> } = {},
): Promise<Result> {
  return peer.call(name as "device.run", params as never, options as never) as Promise<Result>
}
