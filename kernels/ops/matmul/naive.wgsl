// y[batch, row, col] = f(scale · Σ a[batch, row, x] · b[batch, x, col] + bias[col]), with a residual within or after f; an invocation an element. Strides are in
// elements: a transposed matrix is one with its strides exchanged, and one that all batches share has a batch stride of 0.
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
#include "wgsl/store-sum.wgsl"

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.batches * params.m * params.n) {
    return;
  }
  let col = i % params.n;
  let row = i / params.n % params.m;
  let batch = i / (params.n * params.m);
  var left = batch * params.a_batch + row * params.a_row;
  var right = batch * params.b_batch + col * params.b_col;
  var sum = 0.0;
  for (var x = 0u; x < params.k; x++) {
    sum += a[left] * b[right];
    left += params.a_col;
    right += params.b_row;
  }
  store(i, col, sum);
}
