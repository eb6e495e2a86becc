// y[i] = x[i] as another type: to whole numbers towards 0, with WHOLE as int32 on the way, to a boolean 1 for all but 0; to float16 two of x to a word of y, the first lowest, and behind an odd number of them 0. With FOUR an
// invocation makes four neighbours.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  count: u32,
}

#if FROM == float32
alias S = f32;
#endif
#if FROM == int32
alias S = i32;
#endif
#if FROM == uint32
alias S = u32;
#endif
#if TO == float32
alias T = f32;
#endif
#if TO == int32
alias T = i32;
#endif
#if TO == uint32
alias T = u32;
#endif
#if FOUR
alias From = vec4<S>;
alias Whole = vec4<i32>;
#if TO == float16
alias To = vec2<u32>;
#else
alias To = vec4<T>;
#endif
#else
alias From = S;
alias Whole = i32;
#if TO == float16
alias To = u32;
#else
alias To = T;
#endif
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
#if FOUR
  let four = vec4<f32>(x[i]);
  y[i] = To(pack2x16float(four.xy), pack2x16float(four.zw));
#else
  var pair = vec2<f32>(f32(x[2u * i]), 0.0);
  if (2u * i + 1u < params.count) {
    pair.y = f32(x[2u * i + 1u]);
  }
  y[i] = pack2x16float(pair);
#endif
#else
#if TRUTH
  y[i] = To(x[i] != From());
#else
#if WHOLE
  y[i] = To(Whole(x[i]));
#else
  y[i] = To(x[i]);
#endif
#endif
#endif
}
