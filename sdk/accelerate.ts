import { invalid } from "./feeds.ts"
import { imageTensor } from "./image.ts"
import type { AccelerateRequest, AccelerateResult, Feed, IpfsAccelerate, Session } from "./types.ts"

export type SessionCache = Map<string, Promise<Session>>

/** Sessions that stay open between calls. */
const MAX_SESSIONS = 8

/** Loads the model where it was not loaded yet, and runs it once. */
export async function accelerate(
  sessions: SessionCache,
  load: IpfsAccelerate["load"],
  { modelId, modelType, input, options = {} }: AccelerateRequest,
): Promise<AccelerateResult> {
  const { device, agent, precision, external, onProgress, image, ...run } = options
  const key = JSON.stringify([modelId, device, agent, precision])
  let opening = external ? undefined : sessions.get(key)
  if (!opening) {
    opening = load(modelId, { device, agent, precision, external, onProgress, signal: run.signal })
    // One that a caller gave up, or that failed, is none for the next.
    opening.catch(() => sessions.get(key) === opening && sessions.delete(key))
  }
  // The one used last comes last.
  sessions.delete(key)
  sessions.set(key, opening)
  const [oldest] = sessions
  if (oldest && sessions.size > MAX_SESSIONS) {
    sessions.delete(oldest[0])
    void oldest[1].then((session) => session.dispose()).catch(() => {})
  }
  const session = await opening
  const result = await session.run(await feedsOf(session, input, image), run)
  return { ...result, device: session.device, model: session.model, ...(modelType !== undefined && { modelType }) }
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
