// Puts the sums of attention's splits together, each brought to the largest score of all. An invocation makes one number.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  size: u32,
  splits: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.elems) {
    return;
  }
  let width = params.size + 2u;
  let stride = params.elems / params.size * width;
  let base = i / params.size * width;
  var top = x[base + params.size];
  for (var split = 1u; split < params.splits; split++) {
    top = max(top, x[base + split * stride + params.size]);
  }
  var sum = 0.0;
  var total = 0.0;
  for (var split = 0u; split < params.splits; split++) {
    let at = base + split * stride;
    let kept = exp(x[at + params.size] - top);
    sum += kept * x[at + i % params.size];
    total += kept * x[at + params.size + 1u];
  }
  y[i] = select(0.0, sum / total, total > 0.0);
}
