import { expect, test } from "vitest"
import { browserName } from "../../bridge-server/worker-page/browser-name.ts"

const linux = "Mozilla/5.0 (X11; Linux x86_64)"
const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
const webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
const chrome = "AppleWebKit/537.36 (KHTML, like Gecko)"

test.each([
  ["chromium", `${linux} ${chrome} Chrome/156.0.0.0 Safari/537.36`, true],
  ["chromium", `${linux} ${chrome} HeadlessChrome/156.0.0.0 Safari/537.36`, false],
  ["webnn-shell", `${linux} ${chrome} HeadlessChrome/147.0.0.0 Safari/537.36`, true],
  ["edge", `${mac} ${chrome} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0`, true],
  ["firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", false],
  ["safari", `${mac} ${webkit} Version/26.0 Safari/605.1.15`, false],
  ["webkit", `${linux} ${webkit} Version/26.0 Safari/605.1.15`, false],
  ["page", "something else", false],
])("%s is what %s is called", (name, userAgent, hasWebnn) => {
  expect(browserName({ userAgent }, hasWebnn)).toBe(name)
})
