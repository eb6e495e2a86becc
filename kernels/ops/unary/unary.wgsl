// y[i] = f(x[i])
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

#if OP == relu
fn f(v: f32) -> f32 {
  return max(v, 0.0);
}
#endif
#if OP == gelu
// erf by Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: |error| <= 1.5e-7. WGSL has no erf.
// erf(10) is 1 in float32, and z² stays finite.
fn f(v: f32) -> f32 {
  let z = min(abs(v) * 0.70710678118654752, 10.0);
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  let erf = 1.0 - p * exp(-z * z);
  return 0.5 * (v + abs(v) * erf);
}
#endif
#if OP == gelu_tanh
// v/2 · (1 + tanh(s/2)) = v / (1 + exp(-s)) with s = 2·sqrt(2/π)·(v + 0.044715·v³). The clamps
// keep v³ finite where s no longer matters, and 1 + exp within the range in which division is accurate (2^126).
fn f(v: f32) -> f32 {
  let c = clamp(v, -20.0, 20.0);
  let s = 1.5957691216057308 * (c + 0.044715 * c * c * c);
  return v / (1.0 + exp(min(-s, 87.0)));
}
#endif

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
  y[i] = f(x[i]);
}
