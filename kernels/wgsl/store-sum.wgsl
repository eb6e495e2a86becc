// A sum of products on its way to y: times a scale, with a bias, and a residual that is added before the activation or after it. `out` is its column or channel.
#include "wgsl/activate.wgsl"

fn finished(at: u32, out: u32, sum: f32) -> f32 {
  var v = sum;
#if SCALE
  v *= params.scale;
#endif
#if BIAS
  v += bias[out];
#endif
#if RESIDUAL == before
  v += residual[at];
#endif
  v = activate(v);
#if RESIDUAL == after
  v += residual[at];
#endif
  return v;
}

#if !VEC4_Y
fn store(at: u32, out: u32, sum: f32) {
  y[at] = finished(at, out, sum);
}
#endif
