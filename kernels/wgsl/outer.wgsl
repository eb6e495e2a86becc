// 4 × 4 products in registers: what each value that is read serves.
#include "wgsl/next-four.wgsl"

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}
