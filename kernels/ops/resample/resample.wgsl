// y[outer, j, inner] = Σ weights[j, t] · x[outer, indices[j, t], inner]: along one axis each element is a weighted sum of a few; an invocation an element,
// or with FOUR four neighbours, which `inner` then counts as one.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  count: u32,
  inner: u32,
  size: u32,
  taps: u32,
}

#if FOUR
alias V = vec4<f32>;
#else
alias V = f32;
#endif

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

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
  let inner = i % params.inner;
  let first = i / params.inner % params.count * params.taps;
  let line = i / (params.inner * params.count) * params.size;
  var sum = V();
  for (var t = 0u; t < params.taps; t++) {
    sum += weights[first + t] * x[(line + u32(indices[first + t])) * params.inner + inner];
  }
  y[i] = sum;
}
