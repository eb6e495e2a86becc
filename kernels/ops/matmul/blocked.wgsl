// As naive.wgsl; an invocation makes blocks of 4 × 4 elements, so that each value it reads serves four products or eight. Without workgroup memory or barriers,
// which software adapters pay dearly for.
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

override WG: u32 = 64;
// Blocks of 4 × 4 that an invocation makes, along each side: 1 or 2.
override SIDE: u32 = 1;
#include "wgsl/store-sum.wgsl"
#include "wgsl/outer.wgsl"
#include "wgsl/store-four.wgsl"

fn a_four(at: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(a[at.x], a[at.y], a[at.z], a[at.w]);
}

fn b_four(at: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(b[at.x], b[at.y], b[at.z], b[at.w]);
}

fn store_row(batch: u32, row: u32, cols: vec4<u32>, sums: vec4<f32>) {
  if (row < params.m) {
    store_four((batch * params.m + row) * params.n, cols, cols, params.n, sums);
  }
}

fn store_block(batch: u32, rows: vec4<u32>, cols: vec4<u32>, sums: mat4x4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    store_row(batch, rows[i], cols, sums[i]);
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let across = (params.n + 4u * SIDE - 1u) / (4u * SIDE);
  let down = (params.m + 4u * SIDE - 1u) / (4u * SIDE);
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.batches * across * down) {
    return;
  }
  let cols = next_four(i % across * 4u * SIDE);
  let rows = next_four(i / across % down * 4u * SIDE);
  let batch = i / (across * down);
  // Rows and columns beyond the last read the last's values and are not stored.
  let last_row = vec4<u32>(params.m - 1u);
  let last_col = vec4<u32>(params.n - 1u);
  let left_batch = batch * params.a_batch;
  let top_batch = batch * params.b_batch;
  var left = left_batch + min(rows, last_row) * params.a_row;
  var far_left = left_batch + min(rows + 4u, last_row) * params.a_row;
  var top = top_batch + min(cols, last_col) * params.b_col;
  var far_top = top_batch + min(cols + 4u, last_col) * params.b_col;
  var sums = mat4x4<f32>();
  var right = mat4x4<f32>();
  var below = mat4x4<f32>();
  var corner = mat4x4<f32>();
  for (var x = 0u; x < params.k; x++) {
    let own_as = a_four(left);
    let own_bs = b_four(top);
    sums += outer(own_as, own_bs);
    left += params.a_col;
    top += params.b_row;
    if (SIDE == 2u) {
      let far_as = a_four(far_left);
      let far_bs = b_four(far_top);
      right += outer(own_as, far_bs);
      below += outer(far_as, own_bs);
      corner += outer(far_as, far_bs);
      far_left += params.a_col;
      far_top += params.b_row;
    }
  }
  store_block(batch, rows, cols, sums);
  if (SIDE == 2u) {
    store_block(batch, rows, cols + 4u, right);
    store_block(batch, rows + 4u, cols, below);
    store_block(batch, rows + 4u, cols + 4u, corner);
  }
}
