// Eight weights of a packed matrix at a time, as numbers, and the eight activations that meet them. packed/format.ts says how the words lie.
struct Eight {
  lo: vec4<f32>,
  hi: vec4<f32>,
}

fn product(x: Eight, y: Eight) -> f32 {
  return dot(x.lo, y.lo) + dot(x.hi, y.hi);
}

// Not unpack2x16float: a device may let it make a subnormal number 0, which scales of narrow groups are.
fn half(bits: u32) -> f32 {
  let exponent = (bits >> 10u) & 31u;
  let steps = f32((bits & 1023u) | (min(exponent, 1u) << 10u));
  let size = steps * bitcast<f32>((max(exponent, 1u) + 102u) << 23u);
  return select(size, -size, (bits & 0x8000u) != 0u);
}

fn four(word: u32, shifts: vec4<u32>, mask: u32) -> vec4<f32> {
  return vec4<f32>((vec4<u32>(word) >> shifts) & vec4<u32>(mask));
}

// The weights 8i to 8i + 7 of a row.
fn weights(row: u32, i: u32) -> Eight {
  let at = (row * params.blocks + (i >> params.block_shift)) * params.block_words;
  let o = i & ((1u << params.block_shift) - 1u);
#if FULL
  let scale = bitcast<f32>(w[at]);
  let zero = bitcast<f32>(w[at + 1u]);
  let q = at + 2u;
#else
  let scale = half(w[at]);
  let zero = half(w[at] >> 16u);
  let q = at + 1u;
#endif
#if BITS == 8
  let lo = four(w[q + 2u * o], vec4<u32>(0u, 8u, 16u, 24u), 255u);
  let hi = four(w[q + 2u * o + 1u], vec4<u32>(0u, 8u, 16u, 24u), 255u);
#endif
#if BITS == 4
  let lo = four(w[q + o], vec4<u32>(0u, 4u, 8u, 12u), 15u);
  let hi = four(w[q + o], vec4<u32>(16u, 20u, 24u, 28u), 15u);
#endif
#if BITS == 3
  // Two bits of each weight of the group, then the third of each.
  let pairs = w[q + o / 2u] >> (o % 2u * 16u);
  let thirds = w[q + (1u << params.block_shift) / 2u + o / 4u] >> (o % 4u * 8u);
  let lo = four(pairs, vec4<u32>(0u, 2u, 4u, 6u), 3u) + 4.0 * four(thirds, vec4<u32>(0u, 1u, 2u, 3u), 1u);
  let hi = four(pairs, vec4<u32>(8u, 10u, 12u, 14u), 3u) + 4.0 * four(thirds, vec4<u32>(4u, 5u, 6u, 7u), 1u);
#endif
#if BITS == 2
  let pairs = w[q + o / 2u] >> (o % 2u * 16u);
  let lo = four(pairs, vec4<u32>(0u, 2u, 4u, 6u), 3u);
  let hi = four(pairs, vec4<u32>(8u, 10u, 12u, 14u), 3u);
#endif
#if BITS == 1
  let ones = w[q + o / 4u] >> (o % 4u * 8u);
  let lo = four(ones, vec4<u32>(0u, 1u, 2u, 3u), 1u);
  let hi = four(ones, vec4<u32>(4u, 5u, 6u, 7u), 1u);
#endif
  return Eight(scale * (lo - zero), scale * (hi - zero));
}

// The activations 8i to 8i + 7 of a row; 0 beyond its end, where blocks go on.
#if WHOLE
alias Element = vec4<f32>;

fn activations(row: u32, i: u32) -> Eight {
  let at = row * (params.k / 4u) + 2u * i;
  return Eight(a[at], a[at + 1u]);
}
#else
alias Element = f32;

fn activations4(row: u32, first: u32) -> vec4<f32> {
  let at = row * params.k + first;
  let x = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  return select(vec4<f32>(), vec4<f32>(a[at], a[at + 1u], a[at + 2u], a[at + 3u]), x < vec4<u32>(params.k));
}

fn activations(row: u32, i: u32) -> Eight {
  return Eight(activations4(row, 8u * i), activations4(row, 8u * i + 4u));
}
#endif
