import { fail } from "../../protocol/errors/error.ts"
import { STORED } from "../device-memory.ts"
import { wgsl } from "../generated/wgsl.ts"
import { assertNotLost, gpuFailure, inOrder, scoped } from "../gpu-errors.ts"
import { elems, GpuTensor, tensorBytes } from "../gpu-tensor.ts"
import { workgroupGrid } from "../grid.ts"
import { packParams } from "../params.ts"
import type { KernelRuntime } from "../runtime.ts"

/** What has an image: a frame is read where the browser has it, all else by way of a texture. A texture is of the same device, with usage TEXTURE_BINDING. */
export type PixelSource = ImageBitmap | OffscreenCanvas | HTMLCanvasElement | VideoFrame | GPUTexture

// GPUTextureUsage by value (WebGPU, 6.1.2); a copy from outside also draws (WebGPU, 19.2)
const TEXTURE_BINDING = 0x4
const TARGET = TEXTURE_BINDING | 0x2 | 0x10

/**
 * The pixels of `source` as sRGB bytes, red lowest, not multiplied by alpha → uint32 [h, w]. Resolves once the work is submitted: `source` may be closed then. Throws IPFA_INPUT_INVALID where it
 * can't be read, IPFA_DEVICE_UNSUPPORTED for a frame where WebGPU has no external textures, or none of frames: `createImageBitmap(frame)` has its pixels there.
 */
export async function pixels(runtime: KernelRuntime, source: PixelSource): Promise<GpuTensor<"uint32">> {
  const { device, limits } = runtime
  const isFrame = "displayWidth" in source
  const [width, height] = isFrame ? [source.displayWidth, source.displayHeight] : [source.width, source.height]
  const file = wgsl[isFrame ? "pixels/external.wgsl" : "pixels/texture.wgsl"]
  const request = { label: isFrame ? "pixels:external" : "pixels:texture", source: file, config: {}, tuning: {} }
  const count = elems([height, width])
  const refuse = (message: string, cause?: unknown) =>
    fail("IPFA_INPUT_INVALID", { message: `pixels: source ${message}.`, data: { path: "source" }, cause })
  if (count === 0) throw refuse("is closed, or has no pixels")
  const noFrames = (cause?: unknown) =>
    fail("IPFA_DEVICE_UNSUPPORTED", {
      message: "pixels: this WebGPU takes no frames as external textures. Give it createImageBitmap(frame).",
      cause,
    })
  if (isFrame && !("importExternalTexture" in device)) throw noFrames()
  const most = device.limits.maxTextureDimension2D
  if (!isFrame && Math.max(width, height) > most)
    throw fail("IPFA_INPUT_SHAPE", { message: `pixels: [${height}, ${width}] is over the device's ${most} a side.` })
  const params = packParams(file.params, { pixels: count, width })
  const grid = workgroupGrid(Math.ceil(count / file.overrides.WG), limits.maxComputeWorkgroupsPerDimension)
  const bytes = tensorBytes(limits, "uint32", [height, width])

  const pipeline = await runtime.pipelines.get(request)
  assertNotLost(device)
  const { held } = runtime.memory.take(request.label, bytes, STORED)
  let copied: GPUTexture | undefined
  try {
    const { settled } = scoped(device, request.label, () => {
      let image: GPUBindingResource
      // Not before the pipeline is there: what is imported is gone with the task.
      if (isFrame) image = device.importExternalTexture({ source })
      else if ("createView" in source) image = source.createView()
      else {
        copied = device.createTexture({ label: request.label, size: [width, height], format: "rgba8unorm", usage: TARGET }) // biome-ignore format: a texture
        device.queue.copyExternalImageToTexture({ source }, { texture: copied }, [width, height])
        image = copied.createView()
      }
      const encoder = device.createCommandEncoder({ label: request.label })
      const step = { pipeline: request, params, grid }
      runtime.submit(encoder, step, pipeline, [image, { buffer: held.buffer, size: held.bytes }])
    })
    return new GpuTensor(device, "uint32", [height, width], held, inOrder(held.settled, settled))
  } catch (error) {
    held.release()
    // What Chromium says of every frame where it draws without a GPU.
    if (isFrame && error instanceof DOMException && error.name === "OperationError") throw noFrames(error)
    // By WebGPU a DOMException: closed meanwhile, or of another origin.
    if (error instanceof DOMException) throw refuse(`can't be read: ${error.message}`, error)
    throw gpuFailure(device, request.label, error)
  } finally {
    copied?.destroy()
  }
}
