// What an operation does to a value before it is stored: ACTIVATION is clip, for the bounds of Clip and of Relu, sigmoid or silu; else nothing.
#include "wgsl/activation.wgsl"

fn activate(v: f32) -> f32 {
#if ACTIVATION == clip
  return clamp(v, params.low, params.high);
#endif
#if ACTIVATION == sigmoid
  return sigmoid(v);
#endif
#if ACTIVATION == silu
  return v * sigmoid(v);
#endif
#if !ACTIVATION
  return v;
#endif
}
