import type { WinnerStore } from "../../engine/backends/wgsl/winner-store.ts"
import type { Winner } from "../../kernels/index.ts"

/** What was measured on adapters, for as long as the test; `all` by adapter. */
export function winnersInMemory(): WinnerStore & { all: Map<string, Map<string, Winner>> } {
  const all = new Map<string, Map<string, Winner>>()
  return {
    all,
    of: async (adapter) => new Map(all.get(adapter)),
    async keep(adapter, key, winner) {
      all.set(adapter, new Map([...(all.get(adapter) ?? []), [key, winner]]))
    },
  }
}
