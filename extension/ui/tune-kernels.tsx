import { signal } from "@preact/signals"
import type { Methods, Peer, ResultOf } from "../../protocol/index.ts"
import { live } from "./owner.ts"
import { LongAction } from "./parts/long-action.tsx"
import { t } from "./text.tsx"

const running = signal<AbortController | undefined>(undefined)
const found = signal<ResultOf<Methods["kernels.tune"]> | undefined>(undefined)

/** Measures which of our kernels are fastest on this computer's GPU, where they run. */
export function TuneKernels({ peer }: { peer: Peer }) {
  const devices = live("hardware.report").value?.devices ?? []
  if (!devices.some(({ backend }) => backend === "wgsl")) return null
  const kernels = found.value?.rows.flatMap((row) => row.kernels) ?? []
  const faster = kernels.filter(({ ms, planMs }) => ms < planMs)
  return (
    <>
      <p class="small soft">{t("tuneWhat")}</p>
      <LongAction
        running={running}
        label="tune"
        progressLabel="tuneProgress"
        name="tune"
        work={async (signal, tell) => {
          found.value = undefined
          const onEvent = ({ device, done, of }: { device: string; done: number; of: number }) =>
            tell({ text: t("tuneAt", device, done, of), done, of })
          found.value = await peer.call("kernels.tune", {}, { signal, onEvent })
        }}
      />
      {found.value && (
        <p class="small" role="status" data-testid="tuned">
          {t("tuneDone", kernels.length, faster.length)}
        </p>
      )}
    </>
  )
}
