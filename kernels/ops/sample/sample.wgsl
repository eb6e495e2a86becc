// The next token of each row: the largest of logit / temperature + a Gumbel number for each that top-k, top-p and min-p leave, which is a draw from their softmax. One
// workgroup for each row. What is left lies above a bound that is found bit by bit, each bit in one pass over the row, since no order is needed.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  words: u32,
  temperature: f32,
  penalty: f32,
  top_k: f32,
  top_p: f32,
  min_p: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
@group(0) @binding(2) var<storage, read> seen: array<u32>;
@group(0) @binding(3) var<storage, read_write> token: array<i32>;
@group(0) @binding(4) var<uniform> params: Params;

alias T = f32;
#include "wgsl/reduce.wgsl"
#include "wgsl/philox.wgsl"

const LOWEST = -0x1.fffffep+127f;

fn value(row: u32, i: u32) -> f32 {
  var x = logits[row * params.cols + i];
#if SEEN
  if (((seen[row * params.words + i / 32u] >> (i % 32u)) & 1u) == 1u) {
    x = select(x * params.penalty, x / params.penalty, x > 0.0);
  }
#endif
  return x / params.temperature;
}

// A number as a word, so that words are in the numbers' order.
fn rank(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

#if BOUND
// The highest rank from which on the row's numbers weigh `wanted`; those below `least` don't count.
fn bound(li: u32, row: u32, top: f32, least: u32, wanted: f32, by_mass: bool) -> u32 {
  var found = 0u;
  for (var bit = 0x80000000u; bit > 0u; bit = bit >> 1u) {
    let from_rank = max(found | bit, least);
    var part = 0.0;
    for (var i = li; i < params.cols; i += WG) {
      let x = value(row, i);
      if (rank(x) >= from_rank) {
        part += select(1.0, exp(x - top), by_mass);
      }
    }
    if (reduce_sum(li, part) >= wanted) {
      found = found | bit;
    }
  }
  return max(found, least);
}

fn mass(li: u32, row: u32, top: f32, least: u32) -> f32 {
  var part = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    let x = value(row, i);
    if (rank(x) >= least) {
      part += exp(x - top);
    }
  }
  return reduce_sum(li, part);
}
#endif

#if !GREEDY
// -ln(-ln(1 - u)), u above 0 and below 1 from 23 of the bits. Below 2^-10 u itself is closer to -ln(1 - u) than a logarithm near 1 need be (WGSL: 2^-21).
fn gumbel(bits: u32) -> f32 {
  let u = (f32(bits >> 9u) + 0.5) / 8388608.0;
  return -log(select(-log(1.0 - u), u, bits < 0x400000u));
}
#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let row = flat_workgroup(wid, wgs);
  if (row >= params.rows) {
    return;
  }
  var least = 0u;
#if BOUND
  var part = LOWEST;
  for (var i = li; i < params.cols; i += WG) {
    part = max(part, value(row, i));
  }
  let top = reduce_max(li, part);
#if TOP_K
  least = bound(li, row, top, 0u, params.top_k, false);
#endif
#if TOP_P
  least = bound(li, row, top, least, params.top_p * mass(li, row, top, least), true);
#endif
#if MIN_P
  least = max(least, rank(top + log(params.min_p)));
#endif
#endif
  var best = LOWEST;
  var at = 0u;
  for (var i = li; i < params.cols; i += WG) {
    let x = value(row, i);
#if GREEDY
    let score = x;
#else
    let score = x + gumbel(philox(vec4<u32>(i / 4u, row, draw[2], draw[3]), vec2<u32>(draw[0], draw[1]))[i % 4u]);
#endif
    if (rank(x) >= least && score > best) {
      best = score;
      at = i;
    }
  }
  // Of equals the first; whole numbers below 2^24 are exact.
  let most = reduce_max(li, best);
  let first = reduce_max(li, select(LOWEST, -f32(at), best == most));
  if (li == 0u) {
    token[row] = i32(-first);
  }
}
