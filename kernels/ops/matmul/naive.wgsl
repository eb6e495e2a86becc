// c[m, n] = a[m, k] · b[k, n], all row-major; one invocation for each element of c.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.m * params.n) {
    return;
  }
  let row = i / params.n;
  let col = i % params.n;
  var sum = 0.0;
  for (var x = 0u; x < params.k; x++) {
    sum += a[row * params.k + x] * b[x * params.n + col];
  }
  c[i] = sum;
}
