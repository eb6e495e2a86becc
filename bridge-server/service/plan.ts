import { launchdPlist, launchdWords } from "./launchd.ts"
import type { Command } from "./run.ts"
import { systemdUnit, systemdWords } from "./systemd.ts"
import { windowsTask, windowsWords } from "./windows.ts"

/** What is to run, and for whom. */
export interface ServiceRequest {
  platform: NodeJS.Platform
  env: NodeJS.ProcessEnv
  home: string
  /** This user: the number, and on Windows the name. */
  uid: number
  user: string
  /** Node, the command line, `serve` and its options. */
  words: readonly string[]
  dataDir: string
}

/** How a system is told to start the bridge-server when its user logs in, and to forget it. */
export interface ServicePlan {
  /** The file that says what to run. */
  file: string
  content: string | Buffer
  /** What such a file runs: the words of the request that it was written for. */
  wordsIn(content: Buffer): string[]
  /** Once the file is there. */
  start: Command[]
  /** While it is still there. */
  stop: Command[]
  /** Once it is gone. */
  afterwards: Command[]
  /** What a person should know. */
  note: string
}

export const SERVICE = "ipfs-accelerate"

/** Pure: nothing is looked up or done. Undefined for a system without a way that is known. */
export function servicePlan(request: ServiceRequest): ServicePlan | undefined {
  const { platform, env, home, uid, dataDir } = request
  switch (platform) {
    case "linux": {
      const unit = `${SERVICE}.service`
      return {
        file: `${env.XDG_CONFIG_HOME || `${home}/.config`}/systemd/user/${unit}`,
        content: systemdUnit(request),
        wordsIn: (content) => systemdWords(String(content)),
        start: [
          ["systemctl", "--user", "daemon-reload"],
          ["systemctl", "--user", "enable", "--now", unit],
        ],
        stop: [
          ["systemctl", "--user", "disable", "--now", unit],
          // Else one that systemd gave up is not started when it is installed again.
          ["systemctl", "--user", "reset-failed", unit],
        ],
        afterwards: [["systemctl", "--user", "daemon-reload"]],
        note: "It runs while you are logged in. To have it run from the machine's start on: loginctl enable-linger",
      }
    }
    case "darwin":
      return {
        file: `${home}/Library/LaunchAgents/${SERVICE}.plist`,
        content: launchdPlist(SERVICE, request),
        wordsIn: (content) => launchdWords(String(content)),
        start: [["launchctl", "bootstrap", `gui/${uid}`, `${home}/Library/LaunchAgents/${SERVICE}.plist`]],
        stop: [["launchctl", "bootout", `gui/${uid}/${SERVICE}`]],
        afterwards: [],
        note: "It runs while you are logged in.",
      }
    case "win32": {
      const file = `${dataDir}\\service.xml`
      return {
        file,
        content: windowsTask(request),
        wordsIn: windowsWords,
        start: [
          ["schtasks", "/Create", "/TN", SERVICE, "/XML", file, "/F"],
          ["schtasks", "/Run", "/TN", SERVICE],
        ],
        stop: [
          ["schtasks", "/End", "/TN", SERVICE],
          ["schtasks", "/Delete", "/TN", SERVICE, "/F"],
        ],
        afterwards: [],
        note: "It runs while you are logged in.",
      }
    }
    default:
      return undefined
  }
}
