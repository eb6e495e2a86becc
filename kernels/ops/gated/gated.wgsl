// y[r, i] = f(gate[r, i]) · up[r, i]; with FUSED a row of gate is the gates, then what they let through.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  cols: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/activation.wgsl"

fn f(v: f32) -> f32 {
#if OP == silu
  return v * sigmoid(v);
#endif
#if OP == gelu
  return 0.5 * (v + abs(v) * erf_of(abs(v) * 0.70710678118654752));
#endif
#if OP == gelu_tanh
  // As in unary.wgsl.
  let c = clamp(v, -20.0, 20.0);
  return v * sigmoid(1.5957691216057308 * (c + 0.044715 * c * c * c));
#endif
}

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
#if FUSED
  let at = i + i / params.cols * params.cols;
  y[i] = f(gate[at]) * gate[at + params.cols];
#else
  y[i] = f(gate[i]) * up[i];
#endif
}
