// What several functions are made of. SIGMOID and ERF say which are wanted.
#if SIGMOID
// The clamp keeps 1 + exp within the range in which division is accurate (2^126).
fn sigmoid(v: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-v, 87.0)));
}
#endif
#if ERF
// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, for z >= 0: |error| <= 1.5e-7. WGSL has no erf.
// erf(10) is 1 in float32, and z² stays finite.
fn erf_of(size: f32) -> f32 {
  let z = min(size, 10.0);
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return 1.0 - p * exp(-z * z);
}
#endif
