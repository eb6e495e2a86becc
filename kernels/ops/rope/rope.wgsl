// Turns the first dims numbers of each head, two by two, by the angles of the token's position; the rest stays. An invocation makes one number, or with FOUR
// four neighbours, which size and dims then count as one.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  seq: u32,
  heads: u32,
  size: u32,
  dims: u32,
}

#if FOUR
alias V = vec4<f32>;
#else
alias V = f32;
#endif
#if PAIRS
// the angles of two pairs
alias Angles = vec2<f32>;
#else
alias Angles = V;
#endif

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> cos_table: array<Angles>;
@group(0) @binding(2) var<storage, read> sin_table: array<Angles>;
@group(0) @binding(3) var<storage, read> positions: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<V>;
@group(0) @binding(5) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.elems) {
    return;
  }
  let e = i % params.size;
  if (e >= params.dims) {
    y[i] = x[i];
    return;
  }
  let row = i / params.size;
#if HEADS_FIRST
  let token = row / (params.heads * params.seq) * params.seq + row % params.seq;
#else
  let token = row / params.heads;
#endif
#if POSITIONS == each
  let position = u32(positions[token]);
#endif
#if POSITIONS == first
  let position = u32(positions[0]) + token % params.seq;
#endif
#if POSITIONS == none
  let position = token;
#endif
#if PAIRS
  let v = x[i];
  let angles = position * params.dims + e;
  y[i] = v * cos_table[angles].xxyy + V(-v.y, v.x, -v.w, v.z) * sin_table[angles].xxyy;
#else
  let half = params.dims / 2u;
#if INTERLEAVED
  let pair = e / 2u;
  let is_second = e % 2u == 1u;
  let other = select(i + 1u, i - 1u, is_second);
#else
  let pair = e % half;
  let is_second = e >= half;
  let other = select(i + half, i - half, is_second);
#endif
#if WIDE
  let angle = position * params.dims + e;
#else
  let angle = position * half + pair;
#endif
  let turned = x[other] * sin_table[angle];
  y[i] = x[i] * cos_table[angle] + select(-turned, turned, is_second);
#endif
}
