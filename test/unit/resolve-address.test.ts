import { expect, test } from "vitest"
import { addressKind, hostKind } from "../../engine/resolve/address.ts"

test.each([
  ["93.184.216.34", "public"],
  ["1.1.1.1", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["100.128.0.1", "public"],
  ["2606:4700:4700::1111", "public"],
  ["::ffff:1.1.1.1", "public"],
  ["64:ff9b::1.1.1.1", "public"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::127.0.0.1", "loopback"],
  ["64:ff9b::7f00:1", "loopback"],
  ["2002:7f00:1::", "loopback"],
  ["0.0.0.0", "private"],
  ["10.1.2.3", "private"],
  ["100.64.0.1", "private"],
  ["169.254.169.254", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["198.18.0.1", "private"],
  ["224.0.0.1", "private"],
  ["255.255.255.255", "private"],
  ["::", "private"],
  ["::ffff:10.0.0.1", "private"],
  ["::ffff:a9fe:a9fe", "private"],
  ["64:ff9b:1::1", "private"],
  ["fe80::1", "private"],
  ["fe80::1%eth0", "private"],
  ["fd00:ec2::254", "private"],
  ["ff02::1", "private"],
  ["2001:db8::1", "private"],
  ["2001::1", "private"],
  ["2002:0a00:0001::", "private"],
  ["1.2.3", "private"],
  ["1:2:3", "private"],
  ["not an address", "private"],
])("address %s is %s", (address, kind) => {
  expect(addressKind(address)).toBe(kind)
})

test.each([
  ["https://models.example.com/", "public"],
  ["https://0x7f.1/", "loopback"],
  ["https://2130706433/", "loopback"],
  ["https://017700000001/", "loopback"],
  ["https://[::1]/", "loopback"],
  ["https://[::ffff:127.0.0.1]/", "loopback"],
  ["https://LOCALHOST./", "loopback"],
  ["https://a.localhost/", "loopback"],
  ["https://169.254.169.254/", "private"],
  ["https://①⑥⑨.254.169.254/", "private"],
  ["https://metadata.google.internal/", "private"],
  ["https://printer.local/", "private"],
  ["https://intranet/", "private"],
])("%s is %s", (url, kind) => {
  expect(hostKind(new URL(url).hostname)).toBe(kind)
})
