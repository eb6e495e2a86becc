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
/** Multiply-adds of each chain, at the least. */
const STEPS = 256
/** What is timed lasts so long, ms: submitting it and waiting for it takes a fraction of one, which is all there is to see of less work on a large GPU. */
const LASTING_MS = 20
/** Independent chains of four multiply-adds, so that none waits for the one before. */
const CHAINS = 8

/** How much of `run`'s work it takes, doubled until it lasts, and no more than `most`. */
export async function lasting(run: (much: number) => Promise<unknown>, most = 2 ** 16): Promise<number> {
  for (let much = 1; ; much *= 2) {
    await run(much)
    const start = performance.now()
    await run(much)
    if (performance.now() - start >= LASTING_MS || much >= most) return much
  }
}

const fmaSource = `
override STEPS: u32;
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let m = vec4<f32>(0.999, 0.998, 0.997, 0.996);
  let x = vec4<f32>(f32(id.x));
${Array.from({ length: CHAINS }, (_, i) => `  var v${i} = x + ${i}.5;`).join("\n")}
  for (var i = 0u; i < STEPS; i++) {
${Array.from({ length: CHAINS }, (_, i) => `    v${i} = fma(v${i}, m, x);`).join("\n")}
  }
  y[id.x] = ${Array.from({ length: CHAINS }, (_, i) => `v${i}`).join(" + ")};
}`

/** Multiply-adds in registers: the FMA peak. */
export async function fmaPeak(device: GPUDevice): Promise<Peak> {
  const module = device.createShaderModule({ code: fmaSource })
  const buffer = device.createBuffer({ size: INVOCATIONS * 16, usage: STORAGE })
  const pipelines = new Map<number, GPUComputePipeline>()
  const run = async (much: number) => {
    const constants = { STEPS: STEPS * much }
    const pipeline =
      pipelines.get(much) ??
      (await device.createComputePipelineAsync({ layout: "auto", compute: { module, constants } }))
    pipelines.set(much, pipeline)
    const layout = pipeline.getBindGroupLayout(0)
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] }))
    pass.dispatchWorkgroups(INVOCATIONS / 64)
    pass.end()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
  }
  const much = await lasting(run)
  return { work: INVOCATIONS * STEPS * much * CHAINS * 4 * 2, run: () => run(much) }
}

/** More than any GPU's caches hold. */
const COPIED = 2 ** 27

/** A buffer's copy: the bandwidth, where each byte is read and written. */
export async function copyPeak(device: GPUDevice): Promise<Peak> {
  const [from, to] = [0, 1].map(() => device.createBuffer({ size: COPIED, usage: COPY })) as [GPUBuffer, GPUBuffer]
  const run = async (much: number) => {
    const encoder = device.createCommandEncoder()
    for (let i = 0; i < much; i++) encoder.copyBufferToBuffer(from, 0, to, 0, COPIED)
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
  }
  const much = await lasting(run)
  return { work: 2 * COPIED * much, run: () => run(much) }
}

/** Whether an operation is bound by what the adapter computes, rather than by the bytes it moves. */
export const isBoundByCompute = ({ flops, bytes }: { flops: number; bytes: number }): boolean => flops > 16 * bytes
