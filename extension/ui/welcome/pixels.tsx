const SIZE = 8
const MOST = 16
const pixels = [...Array(SIZE * SIZE).keys()]

/** An image as the model is given it: 8×8 pixels of 0 … 16. */
export function Pixels({ ink }: { ink: ArrayLike<number> }) {
  return (
    <svg class="pixels" viewBox={`0 0 ${SIZE} ${SIZE}`} aria-hidden="true">
      {pixels.map((i) => (
        <rect key={i} x={i % SIZE} y={Math.floor(i / SIZE)} width="1.02" height="1.02" opacity={(ink[i] ?? 0) / MOST} />
      ))}
    </svg>
  )
}
