/** How much of something is used; `text` says it in words. */
export function Meter({ label, value, max, text }: { label: string; value: number; max: number; text: string }) {
  return (
    <div class="stack">
      <div class="row spread small">
        <span>{label}</span>
        <span class="soft">{text}</span>
      </div>
      <meter aria-label={label} aria-valuetext={text} value={value} max={Math.max(max, 1)} />
    </div>
  )
}
