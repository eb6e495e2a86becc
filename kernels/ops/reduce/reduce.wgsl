// y[row] = the sum, mean, largest or smallest of x[row, …]; one workgroup for each row.
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
#if REDUCE_MAX
  var part = LOWEST;
  for (var i = li; i < params.cols; i += WG) {
#if OP == min
    part = max(part, -x[base + i]);
#else
    part = max(part, x[base + i]);
#endif
  }
  let result = reduce_max(li, part);
#else
  var part = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    part += x[base + i];
  }
  let result = reduce_sum(li, part);
#endif
  if (li == 0u) {
#if OP == mean
    y[row] = result / f32(params.cols);
#else
#if OP == min
    y[row] = -result;
#else
    y[row] = result;
#endif
#endif
  }
}
