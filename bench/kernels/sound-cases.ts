/** What models that hear are given. */
import { int, type OperationCase, operation } from "./operation.ts"

/** Spectra of frames that are there one by one: one side, as of any real signal. */
function spectra(frames: number, size: number): OperationCase {
  const bins = Math.floor(size / 2) + 1
  return operation(
    {
      name: `dft of ${frames} frames of ${size} f32`,
      measures: ["fft"],
      shapes: [[frames, size, 1]],
      output: [frames, bins, 2],
      // as is usual for a transform of real numbers, whichever way it is computed
      flops: 2.5 * frames * size * Math.log2(size),
      node: { opType: "DFT", attribute: [int("onesided", 1)] },
    },
    (gpu, [x]) => {
      const rows = x!.share([frames, size])
      return () => gpu.fft(rows, { oneSided: true })
    },
  )
}

export const soundCases: readonly OperationCase[] = [spectra(98, 400), spectra(64, 1024)]
