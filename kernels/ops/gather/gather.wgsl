// y[outer, i, inner] = x[outer, indices[i], inner], or with EACH x[outer, indices[outer, i, inner], inner]; an index below 0 counts from the end, one outside of x gives 0. Words are moved as they are, with FOUR four neighbours at
// once, which `inner` then counts as one.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  inner: u32,
  count: u32,
  size: u32,
}

#if FOUR
alias V = vec4<u32>;
#else
alias V = u32;
#endif

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
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
  let inner = i % params.inner;
  let outer = i / (params.inner * params.count);
#if EACH
  var index = indices[i];
#else
  var index = indices[i / params.inner % params.count];
#endif
  if (index < 0) {
    index += i32(params.size);
  }
  // Still below 0 it is a number beyond any size.
  if (u32(index) >= params.size) {
    y[i] = V();
    return;
  }
  y[i] = x[(outer * params.size + u32(index)) * params.inner + inner];
}
