// y[r, i] = exp(x[r, i] - max) / sum of exp(x[r, j] - max); one workgroup for each row.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/reduce.wgsl"

struct Params {
  rows: u32,
  cols: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const LOWEST = -0x1.fffffep+127f;

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
  var top = LOWEST;
  for (var i = li; i < params.cols; i += WG) {
    top = max(top, x[base + i]);
  }
  let row_max = reduce_max(li, top);
  var part = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    part += exp(x[base + i] - row_max);
  }
  let sum = reduce_sum(li, part);
  for (var i = li; i < params.cols; i += WG) {
    y[base + i] = exp(x[base + i] - row_max) / sum;
  }
}
