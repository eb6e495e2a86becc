// y[i] = f(x[i]); with FOUR an invocation makes four neighbours.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  alpha: f32,
  beta: f32,
  gamma: f32,
}

#if FOUR
alias V = vec4<f32>;
#else
alias V = f32;
#endif

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

#include "wgsl/activate.wgsl"

fn f(v: f32) -> f32 {
#if ACTIVATION
  return activate(v);
#endif
#if OP == relu
  return max(v, 0.0);
#endif
#if OP == clip
  return clamp(v, params.alpha, params.beta);
#endif
#if OP == leaky_relu
  return select(params.alpha * v, v, v >= 0.0);
#endif
#if OP == hard_sigmoid
  return clamp(params.alpha * v + params.beta, 0.0, 1.0);
#endif
#if OP == erf
  return sign(v) * erf_of(abs(v));
#endif
#if OP == abs
  return abs(v);
#endif
#if OP == neg
  return -v;
#endif
#if OP == sqrt
  return sqrt(v);
#endif
#if OP == reciprocal
  return 1.0 / v;
#endif
#if OP == exp
  return exp(v);
#endif
#if OP == log
  return log(v);
#endif
#if OP == floor
  return floor(v);
#endif
#if OP == ceil
  return ceil(v);
#endif
#if OP == round
  return round(v);
#endif
#if OP == round_to
  return clamp(round(v / params.alpha), params.beta, params.gamma) * params.alpha;
#endif
#if OP == sign
  return sign(v);
#endif
#if OP == sin
  return sin(v);
#endif
#if OP == cos
  return cos(v);
#endif
#if OP == tan
  return tan(v);
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
  let v = x[i];
#if FOUR
  y[i] = V(f(v.x), f(v.y), f(v.z), f(v.w));
#else
  y[i] = f(v);
#endif
}
