import { isSnap } from "../../bridge-server/browsers.ts"

/**
 * Opens the browser `binary` by `open`. Where that fails and it is a snap, stderr says so, and `other` is opened in its place where there is one. Throws
 * what `open` did, or with the snap's name where there is no other.
 */
export async function openSnapOr<T>(
  binary: string,
  open: (binary: string) => Promise<T>,
  other: () => string | undefined,
): Promise<T> {
  try {
    return await open(binary)
  } catch (error) {
    if (!isSnap(binary)) throw error
    const snap = `${binary} is a snap, which can't read hidden folders of your home, and did not start`
    const instead = other()
    if (!instead)
      throw new Error(`${snap}: name a folder with --data that is not hidden, or install another`, { cause: error })
    process.stderr.write(`${snap}: ${instead} is opened in its place.\n`)
    return open(instead)
  }
}
