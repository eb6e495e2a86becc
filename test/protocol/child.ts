import { Socket } from "node:net"
import { stdioPort } from "../../native-host/stdio.ts"
import { byteStreamPort } from "../../protocol/index.ts"
import { SharedFolder } from "../../protocol/transports/shared-folder.ts"
import { testServer } from "./test-methods.ts"

/** A process that serves the test methods: over stdin and stdout as a native host, or over fd 3 as a native agent. */
if (process.argv[2] === "stdio") testServer(stdioPort(process.stdin, process.stdout))
else {
  const socket = new Socket({ fd: 3 })
  const dir = process.argv[3]
  testServer(byteStreamPort(socket, socket, { shelf: dir ? SharedFolder.join(dir) : undefined }))
}
