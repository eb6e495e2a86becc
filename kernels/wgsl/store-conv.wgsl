// The sum of a convolution's products on its way to y: with a bias, and a residual that is added before the activation or after it.
#include "wgsl/activate.wgsl"

fn store(at: u32, out: u32, sum: f32) {
#if BIAS
  let v = sum + bias[out];
#else
  let v = sum;
#endif
#if RESIDUAL == before
  y[at] = activate(v + residual[at]);
#endif
#if RESIDUAL == after
  y[at] = activate(v) + residual[at];
#endif
#if !RESIDUAL
  y[at] = activate(v);
#endif
}
