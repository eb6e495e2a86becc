// What an operation does to a value before it is stored: ACTIVATION is clip, for the bounds of Clip and of Relu, leaky, whose slope below 0 is `low`, or a function; else nothing.
#include "wgsl/activation.wgsl"

fn activate(v: f32) -> f32 {
#if ACTIVATION == clip
  return clamp(v, params.low, params.high);
#endif
#if ACTIVATION == leaky
  return max(v, 0.0) + params.low * min(v, 0.0);
#endif
#if ACTIVATION == sigmoid
  return sigmoid(v);
#endif
#if ACTIVATION == silu
  return v * sigmoid(v);
#endif
#if ACTIVATION == tanh
  return 2.0 * sigmoid(2.0 * v) - 1.0;
#endif
#if ACTIVATION == gelu
  return 0.5 * (v + abs(v) * erf_of(abs(v) * 0.70710678118654752));
#endif
#if ACTIVATION == gelu_tanh
  // v/2 · (1 + tanh(s/2)) = v / (1 + exp(-s)) with s = 2·sqrt(2/π)·(v + 0.044715·v³). The clamp keeps v³ finite where s no longer matters.
  let c = clamp(v, -20.0, 20.0);
  return v * sigmoid(1.5957691216057308 * (c + 0.044715 * c * c * c));
#endif
#if ACTIVATION == hard_swish
  return v * clamp(v / 6.0 + 0.5, 0.0, 1.0);
#endif
#if !ACTIVATION
  return v;
#endif
}
