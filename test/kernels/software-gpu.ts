// A GPUDevice in Node with no GPU: Dawn (npm webgpu) on the SwiftShader that comes with Chromium and its relatives.
import { existsSync, globSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { isMainThread } from "node:worker_threads"
import { type Limits, traitsOf } from "../../kernels/index.ts"

const ICD = "vk_swiftshader_icd.json"
const RTLD_LAZY_NODELETE = 0x1001

/** Where browsers keep SwiftShader on Linux; `IPFA_SWIFTSHADER`, a folder, comes first. */
function places(): string[] {
  const playwright = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), ".cache/ms-playwright")
  return [
    ...(process.env.IPFA_SWIFTSHADER ? [process.env.IPFA_SWIFTSHADER] : []),
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/usr/lib64/chromium-browser",
    "/snap/chromium/current/usr/lib/chromium-browser",
    "/opt/google/chrome",
    "/opt/microsoft/msedge",
    ...globSync("chromium*-*/chrome*", { cwd: playwright }).map((found) => join(playwright, found)),
  ]
}

/** The driver's manifest: `VK_DRIVER_FILES` where it is set, else what is found. */
export function swiftshaderManifest(): string | undefined {
  if (process.env.VK_DRIVER_FILES) return process.env.VK_DRIVER_FILES
  return places()
    .map((folder) => join(folder, ICD))
    .find((file) => existsSync(file))
}

/** An adapter; throws a sentence that says how to get one. */
export async function softwareAdapter(): Promise<GPUAdapter> {
  if (!isMainThread)
    throw new Error("Dawn reads the environment of the process: run these tests in vitest's pool forks.")
  if (process.platform === "linux") {
    const manifest = swiftshaderManifest()
    if (!manifest)
      throw new Error(
        `No ${ICD} was found. Install Chromium (apt install chromium, or npx playwright-core install chromium), or name its folder in IPFA_SWIFTSHADER.`,
      )
    process.env.VK_DRIVER_FILES = manifest
    preloadVulkan(dirname(manifest))
  }
  const { create } = await import("webgpu")
  // kept for as long as the process: the device dies with its instance
  instances.push(create([]))
  const adapter = await instances.at(-1)!.requestAdapter()
  if (!adapter)
    throw new Error(
      `Dawn found no adapter with VK_DRIVER_FILES=${process.env.VK_DRIVER_FILES}. Is a Vulkan loader there (apt install libvulkan1)?`,
    )
  return adapter
}
const instances: GPU[] = []

/** What kernels may use on a device from here, and no quirks: they are shown right as they are planned elsewhere. */
export function softwareLimits(device: GPUDevice): Limits {
  return { ...traitsOf(device, undefined, instances.at(-1)!.wgslLanguageFeatures), quirks: [] }
}

/** With what kernels may want beyond the core, as far as the adapter has it. */
export async function softwareDevice(): Promise<GPUDevice> {
  const adapter = await softwareAdapter()
  const features = ["shader-f16", "subgroups"] as const
  return adapter.requestDevice({ requiredFeatures: features.filter((name) => adapter.features.has(name)) })
}

/**
 * Dawn opens "libvulkan.so.1" by its name, which works where the system has it. Chromium brings one of its own beside its binary: once that is in the process, the
 * name finds it. It is no Node addon, so dlopen says so after it has loaded it; NODELETE keeps it.
 */
function preloadVulkan(folder: string): void {
  const library = join(folder, "libvulkan.so.1")
  if (!existsSync(library)) return
  try {
    process.dlopen({ exports: {} }, library, RTLD_LAZY_NODELETE)
  } catch (error) {
    if (!String(error).includes("did not self-register")) throw error
  }
}
