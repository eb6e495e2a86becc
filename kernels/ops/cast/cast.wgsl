// y[i] = x[i] as another type: to whole numbers towards 0, to a boolean 1 for all but 0; to float16 two of x to a word of y, the first lowest, and behind an odd number of them 0.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  count: u32,
}

#if FROM == float32
alias From = f32;
#endif
#if FROM == int32
alias From = i32;
#endif
#if FROM == uint32
alias From = u32;
#endif
#if TO == float32
alias To = f32;
#endif
#if TO == int32
alias To = i32;
#endif
#if TO == uint32
alias To = u32;
#endif
#if TO == float16
alias To = u32;
#endif

@group(0) @binding(0) var<storage, read> x: array<From>;
@group(0) @binding(1) var<storage, read_write> y: array<To>;
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
#if TO == float16
  var pair = vec2<f32>(f32(x[2u * i]), 0.0);
  if (2u * i + 1u < params.count) {
    pair.y = f32(x[2u * i + 1u]);
  }
  y[i] = pack2x16float(pair);
#else
#if TRUTH
  y[i] = To(x[i] != From());
#else
  y[i] = To(x[i]);
#endif
#endif
}
