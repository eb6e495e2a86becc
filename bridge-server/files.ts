/** Where this package's own files lie: beside the sources, or beside the bundle that was made of them (`dist/`). */
const fromSource = import.meta.url.endsWith(".ts")

const at = (source: string, bundle: string) => new URL(fromSource ? source : bundle, import.meta.url)

export const files = {
  packageJson: at("./package.json", "../package.json"),
  /** The command line, and what browsers start by native messaging. */
  cli: at("./cli/main.ts", "./main.js"),
  nativeHost: at("../native-host/main.ts", "./native-host.js"),
  /** The entry of a native child process. */
  child: at("./native/child.ts", "./child.js"),
  /** The folders of the built pages; made by scripts/packages/pages.ts. */
  workerPage: at("./worker-page/dist/", "./worker/"),
  dashboard: at("./dashboard/dist/", "./dashboard/"),
  digits: at("../models/digits/digits.onnx", "../models/digits/digits.onnx"),
} as const
