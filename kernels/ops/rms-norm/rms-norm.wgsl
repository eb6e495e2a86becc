// y[r, i] = x[r, i] · w[i] / sqrt(mean of x[r, j]² + eps); one workgroup for each row.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/reduce.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let base = row * params.cols;
  var part = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    part += x[base + i] * x[base + i];
  }
  let scale = inverseSqrt(reduce_sum(li, part) / f32(params.cols) + params.eps);
  for (var i = li; i < params.cols; i += WG) {
    y[base + i] = x[base + i] * scale * w[i];
  }
}
