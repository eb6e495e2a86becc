import type { ServiceRequest } from "./plan.ts"
import { plainText, xmlText } from "./xml.ts"

/**
 * A launch agent, as launchd.plist(5) has it: from login on, started again when it fails. launchd counts no starts after which it would give up,
 * so two are a minute apart at least: one that ran for longer is back at once, one that ends at each start is no load. Why it ended is in its log file.
 */
export function launchdPlist(label: string, { words }: Pick<ServiceRequest, "words">): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
  <dict>
    <key>Label</key>
    <string>${label}</string>
    <key>ProgramArguments</key>
    <array>
${words.map((word) => `      <string>${xmlText(word)}</string>`).join("\n")}
    </array>
    <key>RunAtLoad</key>
    <true/>
    <key>KeepAlive</key>
    <dict>
      <key>SuccessfulExit</key>
      <false/>
    </dict>
    <key>ThrottleInterval</key>
    <integer>60</integer>
    <key>Umask</key>
    <integer>63</integer>
  </dict>
</plist>
`
}

/** The words of the command in such a file. */
export function launchdWords(plist: string): string[] {
  const [, words = ""] = /<key>ProgramArguments<\/key>\s*<array>(.*?)<\/array>/s.exec(plist) ?? []
  return [...words.matchAll(/<string>(.*?)<\/string>/gs)].map(([, word = ""]) => plainText(word))
}
