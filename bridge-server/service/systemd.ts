import type { ServiceRequest } from "./plan.ts"

/** A user unit, as systemd.service(5) and systemd.syntax(7) have it. Where it ends at each start (a port in use), systemd gives up after a minute or so. */
export function systemdUnit({ words }: Pick<ServiceRequest, "words">): string {
  return `# Written by ipfs-accelerate service install, removed by ipfs-accelerate service uninstall.
[Unit]
Description=ipfs-accelerate bridge-server
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
ExecStart=${words.map(systemdWord).join(" ")}
Restart=on-failure
RestartSec=5
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
`
}

/** The words of the command in such a unit. */
export function systemdWords(unit: string): string[] {
  const [, command = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? []
  const quoted = command.matchAll(/"((?:\\.|[^"\\])*)"/g)
  return [...quoted].map(([, word = ""]) =>
    word
      .replaceAll("$$", () => "$")
      .replaceAll("%%", "%")
      .replace(/\\(.)/g, "$1"),
  )
}

/** In double quotes, where `%` begins a specifier and `$` a variable. */
function systemdWord(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`
}
