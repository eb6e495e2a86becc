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

alias T = u32;
#if CONDITION_STILL
alias C = T;
const C_STEP = 0u;
#else
alias C = V;
const C_STEP = 1u;
#endif
#if A_STILL
alias A = T;
const A_STEP = 0u;
#else
alias A = V;
const A_STEP = 1u;
#endif
#if B_STILL
alias B = T;
const B_STEP = 0u;
#else
alias B = V;
const B_STEP = 1u;
#endif

@group(0) @binding(0) var<storage, read> condition: array<C>;
@group(0) @binding(1) var<storage, read> a: array<A>;
@group(0) @binding(2) var<storage, read> b: array<B>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

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
  let c = V(condition[place(at, C_STEP, params.c0, params.c1, params.c2, params.c3, params.c4, params.c5)]);
  let l = V(a[place(at, A_STEP, params.a0, params.a1, params.a2, params.a3, params.a4, params.a5)]);
  let r = V(b[place(at, B_STEP, params.b0, params.b1, params.b2, params.b3, params.b4, params.b5)]);
  y[i] = select(r, l, c != V());
}
