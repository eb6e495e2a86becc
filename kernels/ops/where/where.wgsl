// y[i] = a[i] where condition[i] is not 0, else b[i]; all broadcast to y's shape. Words are moved as they are.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  dim1: u32,
  dim2: u32,
  dim3: u32,
  dim4: u32,
  dim5: u32,
  c0: u32,
  c1: u32,
  c2: u32,
  c3: u32,
  c4: u32,
  c5: u32,
  a0: u32,
  a1: u32,
  a2: u32,
  a3: u32,
  a4: u32,
  a5: u32,
  b0: u32,
  b1: u32,
  b2: u32,
  b3: u32,
  b4: u32,
  b5: u32,
}

@group(0) @binding(0) var<storage, read> condition: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/broadcast.wgsl"

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
  let at = axes_of(i);
  let c = at.i0 * params.c0 + at.i1 * params.c1 + at.i2 * params.c2 + at.i3 * params.c3 + at.i4 * params.c4 + at.i5 * params.c5;
  let l = at.i0 * params.a0 + at.i1 * params.a1 + at.i2 * params.a2 + at.i3 * params.a3 + at.i4 * params.a4 + at.i5 * params.a5;
  let r = at.i0 * params.b0 + at.i1 * params.b1 + at.i2 * params.b2 + at.i3 * params.b3 + at.i4 * params.b4 + at.i5 * params.b5;
  if (condition[c] != 0u) {
    y[i] = a[l];
  } else {
    y[i] = b[r];
  }
}
