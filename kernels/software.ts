/** Rasterizers that compute on the CPU, by the names browsers give them. */
const software = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i

/** True for a software stand-in for a GPU: by the browser's word, or by its name. */
export function isSoftware(info: Partial<GPUAdapterInfo>): boolean {
  return (
    info.isFallbackAdapter === true ||
    software.test([info.vendor, info.architecture, info.device, info.description].join(" "))
  )
}
