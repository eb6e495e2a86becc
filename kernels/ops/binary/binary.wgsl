// y[i] = a[i] ∘ b[i], a and b broadcast to y's shape. With LINE that shape is one axis, along which each goes on by one or stands still.
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

@group(0) @binding(0) var<storage, read> a: array<T>;
@group(0) @binding(1) var<storage, read> b: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<R>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
#if !LINE
#include "wgsl/broadcast.wgsl"
#endif

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
#if LINE
  y[i] = f(a[i * params.a5], b[i * params.b5]);
#else
  let at = axes_of(i);
  let l = at.i0 * params.a0 + at.i1 * params.a1 + at.i2 * params.a2 + at.i3 * params.a3 + at.i4 * params.a4 + at.i5 * params.a5;
  let r = at.i0 * params.b0 + at.i1 * params.b1 + at.i2 * params.b2 + at.i3 * params.b3 + at.i4 * params.b4 + at.i5 * params.b5;
  y[i] = f(a[l], b[r]);
#endif
}
