// As naive.wgsl; a workgroup makes a tile of y of TILE_M × TILE_N, an invocation 4 × 4 of it.
// Its four columns lie WG_X apart, so that neighbouring invocations touch neighbouring words. Each step along k brings a slab of a and one of b
// into workgroup memory: each value is fetched once per tile and not once per element.
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

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

override WG_X: u32 = 16;
override WG_Y: u32 = 16;
override TILE_K: u32 = 16;
override TILE_M: u32 = WG_Y * 4u;
override TILE_N: u32 = WG_X * 4u;

#include "wgsl/store-sum.wgsl"

var<workgroup> a_tile: array<f32, TILE_M * TILE_K>;
var<workgroup> b_tile: array<f32, TILE_K * TILE_N>;

fn a_at(batch: u32, row: u32, x: u32) -> f32 {
  if (row < params.m && x < params.k) {
    return a[batch * params.a_batch + row * params.a_row + x * params.a_col];
  }
  return 0.0;
}

fn b_at(batch: u32, x: u32, col: u32) -> f32 {
  if (x < params.k && col < params.n) {
    return b[batch * params.b_batch + x * params.b_row + col * params.b_col];
  }
  return 0.0;
}

fn store_row(batch: u32, row: u32, col0: u32, values: vec4<f32>) {
  for (var j = 0u; j < 4u; j++) {
    let col = col0 + j * WG_X;
    if (row < params.m && col < params.n) {
      store((batch * params.m + row) * params.n + col, col, values[j]);
    }
  }
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

  var acc0 = vec4<f32>();
  var acc1 = vec4<f32>();
  var acc2 = vec4<f32>();
  var acc3 = vec4<f32>();
  for (var k0 = 0u; k0 < params.k; k0 += TILE_K) {
    for (var i = li; i < TILE_M * TILE_K; i += WG_X * WG_Y) {
      a_tile[i] = a_at(batch, row0 + i / TILE_K, k0 + i % TILE_K);
    }
    for (var i = li; i < TILE_K * TILE_N; i += WG_X * WG_Y) {
      b_tile[i] = b_at(batch, k0 + i / TILE_N, col0 + i % TILE_N);
    }
    workgroupBarrier();
    let top = lid.y * 4u * TILE_K;
    for (var x = 0u; x < TILE_K; x++) {
      let at = x * TILE_N + lid.x;
      let bs = vec4<f32>(b_tile[at], b_tile[at + WG_X], b_tile[at + 2u * WG_X], b_tile[at + 3u * WG_X]);
      acc0 += a_tile[top + x] * bs;
      acc1 += a_tile[top + TILE_K + x] * bs;
      acc2 += a_tile[top + 2u * TILE_K + x] * bs;
      acc3 += a_tile[top + 3u * TILE_K + x] * bs;
    }
    workgroupBarrier();
  }

  let row = row0 + lid.y * 4u;
  let col = col0 + lid.x;
  store_row(batch, row, col, acc0);
  store_row(batch, row + 1u, col, acc1);
  store_row(batch, row + 2u, col, acc2);
  store_row(batch, row + 3u, col, acc3);
}
