// y = (x - mean) / sqrt(variance + eps) · w + bias for each row of x, to which a residual may be added first; without CENTRED the mean counts as 0. One
// workgroup for each row. `span` neighbours share a weight.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/number.wgsl"
#include "wgsl/reduce.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  span: u32,
  weights: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

fn value(at: u32) -> f32 {
#if RESIDUAL
  return x[at] + residual[at];
#else
  return x[at];
#endif
}

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
  let start = row * params.cols;
#if CENTRED
  var total = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    total += value(start + i);
  }
  let mean = reduce_sum(li, total) / f32(params.cols);
#else
  let mean = f32();
#endif
  var part = 0.0;
  for (var i = li; i < params.cols; i += WG) {
    let d = value(start + i) - mean;
    part += d * d;
  }
  let scale = inverseSqrt(reduce_sum(li, part) / f32(params.cols) + params.eps);
  for (var i = li; i < params.cols; i += WG) {
    let at = start + i;
    let weight = at / params.span % params.weights;
#if BIAS
    y[at] = (value(at) - mean) * scale * w[weight] + bias[weight];
#else
    y[at] = (value(at) - mean) * scale * w[weight];
#endif
  }
}
