import { useMemo } from "preact/hooks"
import { encode } from "uqr"
import { t } from "../page-parts/text.tsx"

/** A QR code, always dark on white: cameras read no other. */
export function QrCode({ text }: { text: string }) {
  const { size, path } = useMemo(() => {
    const { data, size } = encode(text, { border: 4 })
    const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])))
    return { size, path: dark.join("") }
  }, [text])
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t("qrCode")} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  )
}
