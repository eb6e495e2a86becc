import { existsSync } from "node:fs"
import { findChromium, findFirefox, findWebkit, missingLibrary, webnnShellAbsent } from "../browsers.ts"
import { type Finding, vulkanDrivers } from "./checks.ts"

/** Those that can be driven, or pointed at the worker page, as `npm start` in the repository finds them. `drivers`: Vulkan's here, where they are needed. */
export function checkBrowsers(drivers = vulkanDrivers()): Finding[] {
  const webgpu = "WebGPU and WASM"
  return [
    checkBrowser(
      "chromium",
      findChromium,
      webgpu,
      "npx playwright-core install chromium, or the distribution's package chromium; CHROMIUM=/path/to/it names another. Branded Chrome can't load an unpacked extension since 137.",
    ),
    checkBrowser(
      "firefox",
      findFirefox,
      drivers?.length === 0 ? "WASM; for WebGPU it needs a Vulkan driver, and none is registered" : webgpu,
      "The distribution's package firefox or firefox-esr; FIREFOX=/path/to/it names another.",
    ),
    checkWebkit(),
  ]
}

function checkBrowser(name: string, find: () => string | undefined, computes: string, fix: string): Finding {
  try {
    const file = find()
    if (!file) return { name, ok: false, detail: "not found", fix }
    const library = missingLibrary(file)
    return library === undefined
      ? { name, ok: true, detail: `${file}: ${computes}` }
      : { name, ok: false, detail: `${file} can't start: this system lacks ${library}`, fix }
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message, fix }
  }
}

function checkWebkit(): Finding {
  const name = "webkit"
  const safari = "/Applications/Safari.app/Contents/MacOS/Safari"
  if (existsSync(safari)) return { name, ok: true, detail: `${safari}: WASM; WebGPU in Safari 26 and later` }
  const webkit = findWebkit(false)
  return typeof webkit === "string"
    ? { name, ok: false, detail: webkit, fix: "webkit2gtk-driver and xvfb (Debian, Ubuntu)." }
    : {
        name,
        ok: true,
        detail: `${webkit.driver}: WASM${webkit.xvfb ? "" : "; Xvfb is missing, so with a display only"}`,
      }
}

/** No browser tells without being started; what is known is which builds carry a backend. */
export function checkWebnn(): Finding {
  const name = "webnn"
  const absent = webnnShellAbsent()
  return absent === undefined
    ? { name, ok: true, detail: "the Chromium of @sparticuz/chromium (LiteRT; cpu, gpu, npu), as a worker page" }
    : {
        name,
        ok: false,
        detail: `no browser that is driven here has a WebNN backend but a Chromium shell: ${absent}`,
        fix: "On Linux on x64: npm install @sparticuz/chromium, whose Chromium has one.",
      }
}

export function checkTerminal(): Finding {
  const display = process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
  return display
    ? { name: "display", ok: true, detail: process.env.WAYLAND_DISPLAY ?? process.env.DISPLAY ?? "there" }
    : {
        name: "display",
        ok: false,
        detail: "neither DISPLAY nor WAYLAND_DISPLAY is set",
        fix: "Browsers are started headless.",
      }
}
