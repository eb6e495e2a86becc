/**
 * Counts the WebAssembly memory that this worker makes from now on, bytes: ONNX Runtime creates its own and shows it to nobody. For a worker
 * of ours only: a page's own global is not to be changed.
 */
export function countWasmMemory(): () => number {
  const memories: WebAssembly.Memory[] = []
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor)
      memories.push(this)
    }
  }
  return () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
}
