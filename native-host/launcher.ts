/** What a browser starts has to be one file, without arguments: a script that knows the rest. */

export interface Launched {
  /** The Node that runs it. */
  node: string
  /** native-host/main.ts, or the bundle of it. */
  host: string
  /** The bridge-server's command line, to start it by. */
  bridge: string
  dataDir: string
  /** Ids of the extensions that may call. */
  extensions: readonly string[]
}

export function launcherName(platform: NodeJS.Platform): string {
  return platform === "win32" ? "ipfs-accelerate-host.bat" : "ipfs-accelerate-host"
}

export function launcherText(platform: NodeJS.Platform, { node, host, bridge, dataDir, extensions }: Launched): string {
  const allow = extensions.flatMap((id) => ["--allow", id])
  // What the browser adds comes after `--`, and is data.
  const words = [node, host, "--bridge", bridge, "--data", dataDir, ...allow]
  if (platform === "win32") {
    const quoted = words.map((word) => `"${word.replaceAll("%", "%%")}"`).join(" ")
    // The code page first: the paths below may hold any letter.
    return `@chcp 65001 >nul\r\n@${quoted} -- %*\r\n`
  }
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")
  return `#!/bin/sh\n# Written by ipfs-accelerate install-native-host, removed by uninstall-native-host.\nexec ${quoted} -- "$@"\n`
}
