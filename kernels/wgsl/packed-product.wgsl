// What eight weights of a packed matrix make with the eight activations of a that meet them.
#include "wgsl/packed.wgsl"

// The activations 8i to 8i + 7 of a row; 0 beyond its end, where blocks go on.
#if WHOLE
alias Element = vec4<f32>;

fn numbers(row: u32, i: u32) -> Eight {
  let at = row * (params.k / 4u) + 2u * i;
  return Eight(a[at], a[at + 1u]);
}
#else
alias Element = f32;

fn numbers4(row: u32, first: u32) -> vec4<f32> {
  let at = row * params.k + first;
  let x = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  return select(vec4<f32>(), vec4<f32>(a[at], a[at + 1u], a[at + 2u], a[at + 3u]), x < vec4<u32>(params.k));
}

fn numbers(row: u32, i: u32) -> Eight {
  return Eight(numbers4(row, 8u * i), numbers4(row, 8u * i + 4u));
}
#endif

#if INT8
// Eight activations rounded to whole numbers from -127 to 127 times one size.
struct Activations {
  q: vec2<u32>,
  size: f32,
}

fn activations(row: u32, i: u32) -> Activations {
  let x = numbers(row, i);
  let top = max(abs(x.lo), abs(x.hi));
  // Not 0, which zeros can't be divided by.
  let size = max(max(max(top.x, top.y), max(top.z, top.w)) / 127.0, 1e-30);
  return Activations(vec2<u32>(pack4xI8(vec4<i32>(round(x.lo / size))), pack4xI8(vec4<i32>(round(x.hi / size)))), size);
}

fn product(x: Activations, y: Weights) -> f32 {
  let sum = f32(dot4I8Packed(x.q.x, 0x01010101u) + dot4I8Packed(x.q.y, 0x01010101u));
  let all = f32(dot4I8Packed(x.q.x, y.q.x) + dot4I8Packed(x.q.y, y.q.y));
  return x.size * (y.s.size * (all - y.s.zero * sum) - y.s.low * sum);
}
#else
fn activations(row: u32, i: u32) -> Eight {
  return numbers(row, i);
}

fn product(x: Eight, y: Eight) -> f32 {
  return dot(x.lo, y.lo) + dot(x.hi, y.hi);
}
#endif
