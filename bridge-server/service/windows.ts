import type { ServiceRequest } from "./plan.ts"
import { plainText, xmlText } from "./xml.ts"

/**
 * A scheduled task of this user, as Task Scheduler's schema 1.2 has it: from login on, on battery too, without an end, started again when it
 * fails, three times. Why it ended is in its log file. `conhost --headless` keeps Node's console window away. UTF-16 with its mark, the only encoding that schtasks takes for any letter.
 */
export function windowsTask({ words, user, env }: Pick<ServiceRequest, "words" | "user" | "env">): Buffer {
  const conhost = `${env.SystemRoot ?? "C:\\Windows"}\\System32\\conhost.exe`
  const text = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>ipfs-accelerate bridge-server</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <UserId>${xmlText(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xmlText(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>3</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${xmlText(conhost)}</Command>
      <Arguments>${xmlText(["--headless", ...words].map(windowsWord).join(" "))}</Arguments>
    </Exec>
  </Actions>
</Task>
`
  return Buffer.from(`\ufeff${text.replaceAll("\n", "\r\n")}`, "utf16le")
}

/** As CommandLineToArgvW reads it: a backslash counts as itself, but before a quote. */
export function windowsWord(word: string): string {
  if (/^[\w:\\./=-]+$/.test(word)) return word
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`
}

/** The words of the command in such a task. */
export function windowsWords(task: Buffer): string[] {
  const [, line = ""] = /<Arguments>(.*?)<\/Arguments>/s.exec(task.toString("utf16le")) ?? []
  const words = plainText(line).matchAll(/"((?:[^"\\]|\\+[^"\\]|(?:\\\\)*\\")*(?:\\\\)*)"|(\S+)/g)
  const unquoted = [...words].map(([, quoted, plain = ""]) =>
    quoted === undefined
      ? plain
      : quoted.replace(/(\\+)("|$)/g, (_, slashes, end) => "\\".repeat(slashes.length >> 1) + end),
  )
  // Without what keeps the window away.
  return unquoted.slice(1)
}
