// y[i] = a[i] ∘ b[i], or a[i] ∘ b[0] where b is a scalar.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
#if B_SCALAR
  let rhs = b[0];
#else
  let rhs = b[i];
#endif
#if OP == add
  y[i] = a[i] + rhs;
#else
  y[i] = a[i] * rhs;
#endif
}
