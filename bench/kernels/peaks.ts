/** What an adapter can do at most, by WGSL that does nothing else: the measure that kernels are held against. */

/** One run of it, resolved when the device has done it; and how much that is. */
export interface Peak {
  run(): Promise<void>
  /** Floating-point operations, or bytes read and written. */
  work: number
}

const STORAGE = 0x80
const COPY = 0xc
const INVOCATIONS = 2 ** 14
const STEPS = 256
/** Independent chains of four multiply-adds, so that none waits for the one before. */
const CHAINS = 8

const fmaSource = `
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let m = vec4<f32>(0.999, 0.998, 0.997, 0.996);
  let x = vec4<f32>(f32(id.x));
${Array.from({ length: CHAINS }, (_, i) => `  var v${i} = x + ${i}.5;`).join("\n")}
  for (var i = 0u; i < ${STEPS}u; i++) {
${Array.from({ length: CHAINS }, (_, i) => `    v${i} = fma(v${i}, m, x);`).join("\n")}
  }
  y[id.x] = ${Array.from({ length: CHAINS }, (_, i) => `v${i}`).join(" + ")};
}`

/** Multiply-adds in registers: the FMA peak. */
export async function fmaPeak(device: GPUDevice): Promise<Peak> {
  const module = device.createShaderModule({ code: fmaSource })
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } })
  const buffer = device.createBuffer({ size: INVOCATIONS * 16, usage: STORAGE })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  })
  return {
    work: INVOCATIONS * STEPS * CHAINS * 4 * 2,
    async run() {
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(INVOCATIONS / 64)
      pass.end()
      device.queue.submit([encoder.finish()])
      await device.queue.onSubmittedWorkDone()
    },
  }
}

const COPIED = 2 ** 26

/** A buffer's copy: the bandwidth, where each byte is read and written. */
export function copyPeak(device: GPUDevice): Peak {
  const [from, to] = [0, 1].map(() => device.createBuffer({ size: COPIED, usage: COPY })) as [GPUBuffer, GPUBuffer]
  return {
    work: 2 * COPIED,
    async run() {
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(from, 0, to, 0, COPIED)
      device.queue.submit([encoder.finish()])
      await device.queue.onSubmittedWorkDone()
    },
  }
}

/** Whether an operation is bound by what the adapter computes, rather than by the bytes it moves. */
export const isBoundByCompute = ({ flops, bytes }: { flops: number; bytes: number }): boolean => flops > 16 * bytes
