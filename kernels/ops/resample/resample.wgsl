// y[outer, j, inner] = Σ weights[j, t] · x[outer, indices[j, t], inner]: along one axis each element is a weighted sum of a few; an invocation an element,
// or with FOUR four neighbours, which `inner` then counts as one, and with LINES those of four `outer`s: what is read of the tables does for all.
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
  let j = i / params.inner % params.count;
  let outer = i / (params.inner * params.count);
  let first = j * params.taps;
#if LINES
  let line = params.size * params.inner;
  let start = 4u * outer * line + inner;
  var sum0 = V();
  var sum1 = V();
  var sum2 = V();
  var sum3 = V();
  for (var t = 0u; t < params.taps; t++) {
    let weight = weights[first + t];
    let at = start + u32(indices[first + t]) * params.inner;
    sum0 += weight * x[at];
    sum1 += weight * x[at + line];
    sum2 += weight * x[at + 2u * line];
    sum3 += weight * x[at + 3u * line];
  }
  let made = params.count * params.inner;
  let place = 4u * outer * made + j * params.inner + inner;
  y[place] = sum0;
  y[place + made] = sum1;
  y[place + 2u * made] = sum2;
  y[place + 3u * made] = sum3;
#else
  let line = outer * params.size;
  var sum = V();
  for (var t = 0u; t < params.taps; t++) {
    sum += weights[first + t] * x[(line + u32(indices[first + t])) * params.inner + inner];
  }
  y[i] = sum;
#endif
}
