import type { ServiceRequest } from "./plan.ts"

/** A user unit, as systemd.service(5) and systemd.syntax(7) have it. */
export function systemdUnit({ words }: Pick<ServiceRequest, "words">): string {
  return `# Written by ipfs-accelerate service install, removed by ipfs-accelerate service uninstall.
[Unit]
Description=ipfs-accelerate bridge-server

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

/** In double quotes, where `%` begins a specifier and `$` a variable. */
function systemdWord(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`
}
