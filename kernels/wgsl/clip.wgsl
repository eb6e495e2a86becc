// What an operation does to a value before it is stored: with CLIP the bounds of Clip and of Relu, else nothing.
fn clip(v: f32) -> f32 {
#if CLIP
  return clamp(v, params.low, params.high);
#else
  return v;
#endif
}
