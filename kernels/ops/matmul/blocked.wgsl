// As naive.wgsl; an invocation makes blocks of 4 × 4 elements, so that each value it reads serves four products or eight. Without workgroup memory or barriers,
// which software adapters pay dearly for. With VEC4 values are read and stored four at a time.
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

override WG: u32 = 64;
// Blocks of 4 × 4 that an invocation makes, along each side: 1 or 2.
override SIDE: u32 = 1;
#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"
#include "wgsl/matrices.wgsl"

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
  var left = a_first(batch, rows);
  var far_left = a_first(batch, rows + 4u);
  var top = b_first(batch, cols);
  var far_top = b_first(batch, cols + 4u);
  var sums = mat4x4<f32>();
  var right = mat4x4<f32>();
  var below = mat4x4<f32>();
  var corner = mat4x4<f32>();
  for (var x = 0u; x < params.k; x++) {
    let own_as = a_four(left);
    let own_bs = b_four(top);
    sums += products(own_as, own_bs);
    left += params.a_col;
    top += b_step();
    if (SIDE == 2u) {
      let far_as = a_four(far_left);
      let far_bs = b_four(far_top);
      right += products(own_as, far_bs);
      below += products(far_as, own_bs);
      corner += products(far_as, far_bs);
      far_left += params.a_col;
      far_top += b_step();
    }
  }
  store_block(batch, rows, cols, sums);
  if (SIDE == 2u) {
    store_block(batch, rows, cols + 4u, right);
    store_block(batch, rows + 4u, cols, below);
    store_block(batch, rows + 4u, cols + 4u, corner);
  }
}
