// As naive.wgsl; for few rows or columns and a long k, which is split: a workgroup makes WG_X neighbouring elements of a row of y, and WG_Y invocations share the sum
// of each. Neighbours in a workgroup read neighbouring words of b where WG_X goes along its rows (many columns), or with WG_X = 1 where k does.
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

override WG_X: u32 = 32;
override WG_Y: u32 = 8;
#include "wgsl/store-sum.wgsl"

var<workgroup> partial: array<f32, WG_X * WG_Y>;

@compute @workgroup_size(WG_X, WG_Y)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_id) lid: vec3<u32>,
) {
  let across = (params.n + WG_X - 1u) / WG_X;
  let i = flat_workgroup(wid, wgs);
  let batch = i / (across * params.m);
  if (batch >= params.batches) {
    return;
  }
  let row = i / across % params.m;
  let col = i % across * WG_X + lid.x;
  let left = batch * params.a_batch + row * params.a_row;
  // A column beyond the last reads the last's values and is not stored.
  let right = batch * params.b_batch + min(col, params.n - 1u) * params.b_col;
  var sum = 0.0;
  for (var x = lid.y; x < params.k; x += WG_Y) {
    sum += a[left + x * params.a_col] * b[right + x * params.b_row];
  }
  partial[lid.y * WG_X + lid.x] = sum;
  workgroupBarrier();
  if (lid.y > 0u || col >= params.n) {
    return;
  }
  for (var part = 1u; part < WG_Y; part++) {
    sum += partial[part * WG_X + lid.x];
  }
  store((batch * params.m + row) * params.n + col, col, sum);
}
