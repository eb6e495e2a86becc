import { SharedWork } from "../protocol/shared-work.ts"
import { invalid } from "./feeds.ts"
import { imageTensor } from "./image.ts"
import type { AccelerateRequest, Feed, IpfsAccelerate, Progress, Session } from "./types.ts"

/** Sessions that stay open between calls. */
const MAX_SESSIONS = 8

interface Opened {
  readonly loading: SharedWork<Session, Progress>
  /** Calls that wait for it or run on it. */
  users: number
}

/** `accelerate` over `load`: loads a model where it is not loaded yet, once for all who ask at the same time, and runs it once. */
export function accelerateBy(load: IpfsAccelerate["load"]): IpfsAccelerate["accelerate"] {
  /** The one used last comes last. */
  const opened = new Map<string, Opened>()

  const forget = (key: string, { loading }: Opened) => {
    if (opened.get(key)?.loading === loading) opened.delete(key)
    loading.result.then((session) => session.dispose()).catch(() => {})
  }

  return async ({ modelId, modelType, input, options = {} }) => {
    const { device, agent, precision, external } = options
    // Bytes have no name to be found again by.
    const isNamed = Object.values(external ?? {}).every((part) => typeof part === "string")
    const key = isNamed ? JSON.stringify([modelId, device, agent, precision, external]) : crypto.randomUUID()
    const begin = (signal: AbortSignal, onProgress: (progress: Progress) => void) =>
      load(modelId, { ...options, signal, onProgress })
    for (let isAgain = false; ; isAgain = true) {
      const there = opened.get(key)
      const entry = there && !there.loading.aborted ? there : { loading: new SharedWork(begin), users: 0 }
      if (entry !== there) {
        if (there) forget(key, there)
        entry.loading.result.catch(() => forget(key, entry))
      }
      opened.delete(key)
      opened.set(key, entry)
      entry.users++
      try {
        const session = await entry.loading.wait(options.signal, { onEvent: options.onProgress })
        const result = await session.run(await feedsOf(session, input, options.image), options)
        return {
          ...result,
          device: session.device,
          model: session.model,
          ...(modelType !== undefined && { modelType }),
        }
      } catch (error) {
        if ((error as { code?: string }).code !== "IPFA_SESSION_UNKNOWN") throw error
        // It ended with the grant that it was opened under.
        forget(key, entry)
        if (isAgain || options.transfer) throw error
      } finally {
        entry.users--
        if (!isNamed) forget(key, entry)
        for (const [name, other] of opened) if (opened.size > MAX_SESSIONS && other.users === 0) forget(name, other)
      }
    }
  }
}

async function feedsOf(
  session: Session,
  input: AccelerateRequest["input"],
  image: NonNullable<AccelerateRequest["options"]>["image"],
): Promise<Record<string, Feed>> {
  const isTensor = "dtype" in input && "shape" in input
  const prototype = Object.getPrototypeOf(input)
  if (!isTensor && (prototype === null || Object.getPrototypeOf(prototype) === null))
    return input as Record<string, Feed>
  const [only, ...others] = session.inputs
  if (!only || others.length > 0)
    throw invalid("input", `a tensor for each of ${session.inputs.map(({ name }) => name).join(", ")}`)
  return { [only.name]: isTensor ? (input as Feed) : await imageTensor(input as ImageBitmapSource, only, image) }
}
