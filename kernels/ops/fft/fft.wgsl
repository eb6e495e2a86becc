// The discrete Fourier transforms of ROWS rows at once, in workgroup memory. A pass turns r numbers of each row, LENGTH / r apart, and makes r sums of them, until all of the row is in each
// (Stockham: no number is out of its order in the end). The inverse is the transform of the conjugates, conjugated.
#include "wgsl/flat-workgroup.wgsl"
#const LENGTH
#const FOURS
#const THREES
#const FIVES

struct Params {
  rows: u32,
  frames: u32,
  signal: u32,
  hop: u32,
  used: u32,
  bins: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> turns: array<f32>;
@group(0) @binding(2) var<storage, read> window: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override WG: u32 = 64;
override ROWS: u32 = 1;
override HELD: u32 = ROWS * LENGTH;
// What a pass reads, and what it writes: one half each.
var<workgroup> held: array<vec2<f32>, 2u * HELD>;

struct Pass {
  radix: u32,
  // Where the half begins that it reads, and how far apart its sums lie.
  first: u32,
  span: u32,
}
// What one invocation turns and sums.
struct Part {
  // The first number's place, how far it is to the next, and how much further each is turned.
  at: u32,
  step: u32,
  turn: u32,
  // Where the first sum goes.
  to: u32,
}

fn part_of(current: Pass, i: u32) -> Part {
  let step = LENGTH / current.radix;
  let j = i % step;
  let k = j % current.span;
  let row = i / step * LENGTH;
  return Part(current.first + row + j, step, k * (step / current.span), HELD - current.first + row + (j - k) * current.radix + k);
}

fn turned(part: Part, n: u32) -> vec2<f32> {
  let a = held[part.at + n * part.step];
  let at = 2u * n * part.turn;
  let b = vec2<f32>(turns[at], turns[at + 1u]);
  return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// −i·a
fn quarter(a: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.y, -a.x);
}
#if TWO

fn by_two(current: Pass, li: u32) {
  for (var i = li; i < ROWS * LENGTH / 2u; i += WG) {
    let part = part_of(current, i);
    let a = held[part.at];
    let b = turned(part, 1u);
    held[part.to] = a + b;
    held[part.to + current.span] = a - b;
  }
}
#endif
#if THREES

fn by_three(current: Pass, li: u32) {
  for (var i = li; i < ROWS * LENGTH / 3u; i += WG) {
    let part = part_of(current, i);
    let a = held[part.at];
    let b = turned(part, 1u);
    let c = turned(part, 2u);
    let middle = a - 0.5 * (b + c);
    let side = quarter(0.8660254037844386 * (b - c));
    held[part.to] = a + b + c;
    held[part.to + current.span] = middle + side;
    held[part.to + 2u * current.span] = middle - side;
  }
}
#endif
#if FOURS

fn by_four(current: Pass, li: u32) {
  for (var i = li; i < ROWS * LENGTH / 4u; i += WG) {
    let part = part_of(current, i);
    let a = held[part.at];
    let b = turned(part, 1u);
    let c = turned(part, 2u);
    let d = turned(part, 3u);
    let side = quarter(b - d);
    held[part.to] = a + c + (b + d);
    held[part.to + current.span] = a - c + side;
    held[part.to + 2u * current.span] = a + c - (b + d);
    held[part.to + 3u * current.span] = a - c - side;
  }
}
#endif
#if FIVES

fn by_five(current: Pass, li: u32) {
  for (var i = li; i < ROWS * LENGTH / 5u; i += WG) {
    let part = part_of(current, i);
    let a = held[part.at];
    let b = turned(part, 1u);
    let c = turned(part, 2u);
    let d = turned(part, 3u);
    let e = turned(part, 4u);
    let near = a + 0.30901699437494745 * (b + e) - 0.8090169943749475 * (c + d);
    let far = a - 0.8090169943749475 * (b + e) + 0.30901699437494745 * (c + d);
    let near_side = quarter(0.9510565162951535 * (b - e) + 0.5877852522924731 * (c - d));
    let far_side = quarter(0.5877852522924731 * (b - e) - 0.9510565162951535 * (c - d));
    held[part.to] = a + (b + e) + (c + d);
    held[part.to + current.span] = near + near_side;
    held[part.to + 2u * current.span] = far + far_side;
    held[part.to + 3u * current.span] = far - far_side;
    held[part.to + 4u * current.span] = near - near_side;
  }
}
#endif

// The pass after `current`, of another radix.
fn next(current: Pass, radix: u32) -> Pass {
  workgroupBarrier();
  return Pass(radix, HELD - current.first, current.span * current.radix);
}

// Of a row behind the last, which is not stored, anything.
fn number(row: u32, n: u32) -> vec2<f32> {
  if (n >= params.used) {
    return vec2<f32>();
  }
  let at = row / params.frames * params.signal + row % params.frames * params.hop + n;
#if COMPLEX
  var value = vec2<f32>(x[2u * at], x[2u * at + 1u]);
#else
  var value = vec2<f32>(x[at], 0.0);
#endif
#if WINDOW
  value *= window[n];
#endif
#if INVERSE
  value.y = -value.y;
#endif
  return value;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let first = flat_workgroup(wid, wgs) * ROWS;
  for (var i = li; i < HELD; i += WG) {
    held[i] = number(first + i / LENGTH, i % LENGTH);
  }
  // Before the first, in whose place it has no sums.
  var current = Pass(1u, HELD, 1u);
#if FOURS
  for (var n = 0u; n < FOURS; n++) {
    current = next(current, 4u);
    by_four(current, li);
  }
#endif
#if TWO
  current = next(current, 2u);
  by_two(current, li);
#endif
#if THREES
  for (var n = 0u; n < THREES; n++) {
    current = next(current, 3u);
    by_three(current, li);
  }
#endif
#if FIVES
  for (var n = 0u; n < FIVES; n++) {
    current = next(current, 5u);
    by_five(current, li);
  }
#endif
  workgroupBarrier();
  let sums = HELD - current.first;
  let rows = min(ROWS, params.rows - min(first, params.rows));
  for (var i = li; i < rows * params.bins; i += WG) {
    var value = held[sums + i / params.bins * LENGTH + i % params.bins];
#if INVERSE
    value = vec2<f32>(value.x, -value.y) / f32(LENGTH);
#endif
    let at = first * params.bins + i;
#if POWER
    y[at] = value.x * value.x + value.y * value.y;
#else
    y[2u * at] = value.x;
    y[2u * at + 1u] = value.y;
#endif
  }
}
