// y[out(i)] = x[in(i)], where both views go over their elements in one order: whatever moves data without computing (transpose, slice, concat,
// expand, …). Words are moved as they are.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  dim1: u32,
  dim2: u32,
  dim3: u32,
  dim4: u32,
  dim5: u32,
  in_offset: u32,
  in0: u32,
  in1: u32,
  in2: u32,
  in3: u32,
  in4: u32,
  in5: u32,
  out_offset: u32,
  out0: u32,
  out1: u32,
  out2: u32,
  out3: u32,
  out4: u32,
  out5: u32,
}

alias T = u32;
#if X_STILL
alias X = T;
const X_STEP = 0u;
#else
alias X = V;
const X_STEP = 1u;
#endif

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/walk.wgsl"

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
  // Strides below 0 have wrapped around to numbers that sums bring back.
  let source = params.in_offset + place(at, X_STEP, params.in0, params.in1, params.in2, params.in3, params.in4, params.in5);
  let to = params.out_offset + place(at, 1u, params.out0, params.out1, params.out2, params.out3, params.out4, params.out5);
  y[to] = V(x[source]);
}
