// y[i] = a[i] ∘ b[i], a and b broadcast to y's shape.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  dim1: u32,
  dim2: u32,
  dim3: u32,
  dim4: u32,
  dim5: u32,
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

#if T == float32
alias T = f32;
#endif
#if T == int32
alias T = i32;
#endif
#if T == uint32
alias T = u32;
#endif
#if COMPARES
alias R = u32;
#else
alias R = T;
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
#if FOUR
alias Y = vec4<R>;
#else
alias Y = R;
#endif

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/walk.wgsl"

fn f(l: T, r: T) -> R {
#if OP == add
  return l + r;
#endif
#if OP == sub
  return l - r;
#endif
#if OP == mul
  return l * r;
#endif
#if OP == div
  return l / r;
#endif
#if OP == max
  return max(l, r);
#endif
#if OP == min
  return min(l, r);
#endif
#if OP == pow
  // WGSL's pow has no answer for a base below 0 or of 0; a whole exponent has one.
  if (l == 0.0) {
    return select(0.0, 1.0, r == 0.0);
  }
  let size = pow(abs(l), r);
  return select(size, -size, l < 0.0 && abs(r) % 2.0 == 1.0);
#endif
#if OP == prelu
  return max(l, T()) + r * min(l, T());
#endif
#if OP == remainder
  return l % r;
#endif
#if OP == modulo
  let rest = l % r;
  return select(rest, rest + r, rest != T() && (rest < T()) != (r < T()));
#endif
#if OP == equal
  return u32(l == r);
#endif
#if OP == less
  return u32(l < r);
#endif
#if OP == greater
  return u32(l > r);
#endif
#if OP == less_or_equal
  return u32(l <= r);
#endif
#if OP == greater_or_equal
  return u32(l >= r);
#endif
}

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
  let l = V(a[place(at, A_STEP, params.a0, params.a1, params.a2, params.a3, params.a4, params.a5)]);
  let r = V(b[place(at, B_STEP, params.b0, params.b1, params.b2, params.b3, params.b4, params.b5)]);
#if FOUR
  y[i] = Y(f(l.x, r.x), f(l.y, r.y), f(l.z, r.z), f(l.w, r.w));
#else
  y[i] = f(l, r);
#endif
}
