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
  in0: i32,
  in1: i32,
  in2: i32,
  in3: i32,
  in4: i32,
  in5: i32,
  out_offset: u32,
  out0: i32,
  out1: i32,
  out2: i32,
  out3: i32,
  out4: i32,
  out5: i32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
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
  var rest = i;
  let i5 = i32(rest % params.dim5);
  rest = rest / params.dim5;
  let i4 = i32(rest % params.dim4);
  rest = rest / params.dim4;
  let i3 = i32(rest % params.dim3);
  rest = rest / params.dim3;
  let i2 = i32(rest % params.dim2);
  rest = rest / params.dim2;
  let i1 = i32(rest % params.dim1);
  let i0 = i32(rest / params.dim1);
  let source = i0 * params.in0 + i1 * params.in1 + i2 * params.in2 + i3 * params.in3 + i4 * params.in4 + i5 * params.in5;
  let place = i0 * params.out0 + i1 * params.out1 + i2 * params.out2 + i3 * params.out3 + i4 * params.out4 + i5 * params.out5;
  y[u32(i32(params.out_offset) + place)] = x[u32(i32(params.in_offset) + source)];
}
