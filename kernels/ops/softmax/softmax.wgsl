// y = exp(x - max) / sum of exp(x - max) along one axis, or its logarithm with LOG; one workgroup for each line.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/lines.wgsl"
#include "wgsl/number.wgsl"
#include "wgsl/reduce.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

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
  let start = line_start(row);
  var top = LEAST;
  for (var i = li; i < params.cols; i += WG) {
    top = max(top, x[start + i * params.inner]);
  }
  let most = reduce_max(li, top);
  var part = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    part += exp(x[start + i * params.inner] - most);
  }
  let sum = reduce_sum(li, part);
  for (var i = li; i < params.cols; i += WG) {
    let at = start + i * params.inner;
#if LOG
    y[at] = x[at] - most - log(sum);
#else
    y[at] = exp(x[at] - most) / sum;
#endif
  }
}
