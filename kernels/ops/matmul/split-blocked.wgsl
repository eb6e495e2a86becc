// As blocked.wgsl; for a long k, which is split where there are too few blocks to keep a device busy: a workgroup makes WG_X neighbouring blocks of 4 × 4, and WG_Y invocations share the
// sums of each. Neighbours in a workgroup read neighbouring words of b where WG_X goes along its rows, or with WG_X = 1 where k does.
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

override WG_X: u32 = 8;
override WG_Y: u32 = 8;
#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"
#include "wgsl/matrices.wgsl"

var<workgroup> partial: array<mat4x4<f32>, WG_X * WG_Y>;

@compute @workgroup_size(WG_X, WG_Y)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_id) lid: vec3<u32>,
) {
  let across = (params.n + 4u * WG_X - 1u) / (4u * WG_X);
  let down = (params.m + 3u) / 4u;
  let i = flat_workgroup(wid, wgs);
  let batch = i / (across * down);
  if (batch >= params.batches) {
    return;
  }
  let cols = next_four((i % across * WG_X + lid.x) * 4u);
  let rows = next_four(i / across % down * 4u);
  var left = a_first(batch, rows) + lid.y * params.a_col;
  var top = b_first(batch, cols) + lid.y * b_step();
  var sums = mat4x4<f32>();
  for (var x = lid.y; x < params.k; x += WG_Y) {
    sums += products(a_four(left), b_four(top));
    left += WG_Y * params.a_col;
    top += WG_Y * b_step();
  }
  partial[lid.y * WG_X + lid.x] = sums;
  workgroupBarrier();
  // Each row of the block is added up by one of those that share it.
  for (var row = lid.y; row < 4u; row += WG_Y) {
    var sum = vec4<f32>();
    for (var part = 0u; part < WG_Y; part++) {
      sum += partial[part * WG_X + lid.x][row];
    }
    store_row(batch, rows[row], cols, sum);
  }
}
