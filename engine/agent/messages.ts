/** A character of no language, for where something is put into a message. */
const MARK = "\uE000"

/**
 * How a screen says its messages in the person's language: the extension's screens and the bridge-server's pages alike. `get` finds a message
 * and puts the values where it says `$1` …; two messages say in which `language` and `direction` the others are.
 */
export function messageWriter<Key extends string>(
  get: (key: Key | "language" | "direction", values: readonly string[]) => string,
) {
  /** The language the messages are in, which may not be the browser's. */
  const language = () => get("language", [])

  /** What may read in another direction than the sentence keeps its order in it: first strong isolate … pop directional isolate. */
  const isolated = (text: string) => {
    const alike = get("direction", []) === "ltr" && /^[ -~]*$/.test(text)
    return alike ? text : `\u2068${text}\u2069`
  }

  return {
    language,
    /** A message. Each text that is put in reads in its own direction; numbers are written as the language does. */
    t: (key: Key, ...values: (string | number)[]): string =>
      get(
        key,
        values.map((value) => (typeof value === "number" ? value.toLocaleString(language()) : isolated(value))),
      ),
    /** A message in its order, in pieces: what is put in may be anything that the screen can show. */
    pieces<Part>(key: Key, parts: readonly Part[]): (string | Part)[] {
      const marked = get(
        key,
        parts.map((_, i) => MARK + i + MARK),
      )
      return marked.split(MARK).map((piece, i) => (i % 2 === 0 ? piece : (parts[Number(piece)] as Part)))
    },
  }
}
