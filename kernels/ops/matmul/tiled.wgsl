// As naive.wgsl; a workgroup makes a tile of y of TILE_M × TILE_N, an invocation 4 × 4 of it.
// Its four columns lie WG_X apart, so that neighbouring invocations touch neighbouring words, or with VEC4 side by side, since those are read and stored as one. Each step along
// k brings a slab of a and one of b into workgroup memory: each value is fetched once per tile and not once per element.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  batches: u32,
  m: u32,
  n: u32,
  k: u32,
  a_batch: u32,
  a_row: u32,
  a_col: u32,
  b_batch: u32,
  b_row: u32,
  b_col: u32,
  scale: f32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<storage, read> a: array<Element>;
@group(0) @binding(1) var<storage, read> b: array<Element>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<Element>;
@group(0) @binding(5) var<uniform> params: Params;

override WG_X: u32 = 16;
override WG_Y: u32 = 16;
override TILE_K: u32 = 16;
override TILE_M: u32 = WG_Y * 4u;
override TILE_N: u32 = WG_X * 4u;
// Steps along k that a slab is deep.
#if VEC4
override DEPTH: u32 = TILE_K / 4u;
#else
override DEPTH: u32 = TILE_K;
#endif

#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"
#include "wgsl/matrices.wgsl"

var<workgroup> a_tile: array<Element, TILE_M * DEPTH>;
// Row by row; of fours along k the first columns of all, the second, …: so that those which neighbours read are neighbours.
var<workgroup> b_tile: array<Element, DEPTH * TILE_N>;

fn a_at(batch: u32, row: u32, x: u32) -> Element {
  if (row < params.m && x < params.k) {
    return a[batch * params.a_batch + row * params.a_row + x * params.a_col];
  }
  return Element();
}

fn b_at(batch: u32, x: u32, col: u32) -> Element {
#if VEC4 == n
  let isThere = x < 4u * params.k && 4u * col < params.n;
#else
  let isThere = x < params.k && col < params.n;
#endif
  if (isThere) {
    return b[batch * params.b_batch + x * params.b_row + col * params.b_col];
  }
  return Element();
}

@compute @workgroup_size(WG_X, WG_Y)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_id) lid: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let across = (params.n + TILE_N - 1u) / TILE_N;
  let down = (params.m + TILE_M - 1u) / TILE_M;
  let tile = flat_workgroup(wid, wgs);
  let batch = tile / (across * down);
  if (batch >= params.batches) {
    return;
  }
  let row0 = tile / across % down * TILE_M;
  let col0 = tile % across * TILE_N;

  var sums = mat4x4<f32>();
  for (var k0 = 0u; k0 < params.k; k0 += DEPTH) {
    for (var i = li; i < TILE_M * DEPTH; i += WG_X * WG_Y) {
      a_tile[i] = a_at(batch, row0 + i / DEPTH, k0 + i % DEPTH);
    }
    for (var i = li; i < DEPTH * TILE_N; i += WG_X * WG_Y) {
#if VEC4 == n
      b_tile[i] = b_at(batch, 4u * k0 + i / WG_X, col0 / 4u + i % WG_X);
#endif
#if VEC4 == k
      let col = i / DEPTH;
      b_tile[(4u * (i % DEPTH) + col % 4u) * WG_X + col / 4u] = b_at(batch, k0 + i % DEPTH, col0 + col);
#endif
#if !VEC4
      b_tile[i] = b_at(batch, k0 + i / TILE_N, col0 + i % TILE_N);
#endif
    }
    workgroupBarrier();
    for (var x = 0u; x < DEPTH; x++) {
      let left = lid.y * 4u * DEPTH + x;
      let top = 4u * x * WG_X + lid.x;
      let own_as = Four(a_tile[left], a_tile[left + DEPTH], a_tile[left + 2u * DEPTH], a_tile[left + 3u * DEPTH]);
      let own_bs = Four(b_tile[top], b_tile[top + WG_X], b_tile[top + 2u * WG_X], b_tile[top + 3u * WG_X]);
      sums += products(own_as, own_bs);
    }
    workgroupBarrier();
  }

#if VEC4
  let cols = next_four(col0 + 4u * lid.x);
#else
  let cols = col0 + lid.x + next_four(0u) * WG_X;
#endif
  for (var i = 0u; i < 4u; i++) {
    store_row(batch, row0 + lid.y * 4u + i, cols, sums[i]);
  }
}
