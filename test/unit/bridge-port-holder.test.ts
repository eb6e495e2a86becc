import { createServer } from "node:net"
import { expect, test } from "vitest"
import {
  fromLsof,
  fromNetstat,
  fromTasklist,
  listeningInodes,
  portHolder,
} from "../../bridge-server/http/port-holder.ts"

test("who holds a port of this machine is found, and nobody where it is free", async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { port: number }
  const holder = await portHolder(port)
  expect(holder).toEqual({ pid: process.pid, name: expect.any(String) })
  await new Promise((resolve) => server.close(resolve))
  expect(await portHolder(port)).toBeUndefined()
})

test("of Linux's table only who listens on that very port counts", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2256 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41001 1 0000000000000000 100 0 0 10 0
   1: 0100007F:2256 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 41002 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:2257 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41003 1 0000000000000000 100 0 0 10 0
`
  expect(listeningInodes(table, 0x2256)).toEqual(["41001"])
  expect(listeningInodes(table, 1)).toEqual([])
})

test("lsof's fields, as on a Mac", () => {
  expect(fromLsof("p4711\ncnode\nf23\n")).toEqual({ pid: 4711, name: "node" })
  expect(fromLsof("")).toBeUndefined()
})

test("netstat's and tasklist's lines, as on Windows in any language", () => {
  const said = `
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID
  TCP    127.0.0.1:18790        0.0.0.0:0              ABHÖREN          11
  TCP    127.0.0.1:8790         127.0.0.1:50000        HERGESTELLT      22
  TCP    127.0.0.1:8790         0.0.0.0:0              ABHÖREN          33
  TCP    [::1]:8791             [::]:0                 ABHÖREN          44
`.replaceAll("\n", "\r\n")
  expect([fromNetstat(said, 8790), fromNetstat(said, 8791), fromNetstat(said, 1)]).toEqual([33, 44, undefined])
  expect(fromTasklist('"node.exe","33","Console","1","54,000 K"\r\n')).toBe("node.exe")
  expect(fromTasklist("INFO: No tasks are running.")).toBeUndefined()
})
