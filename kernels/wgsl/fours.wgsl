// What four rows of a and four columns of b have at a step along k. With VEC4 a step is four long: both are read four elements at a time, a's along k, and b's along k or n, as
// VEC4 says.
#include "wgsl/outer.wgsl"

#if VEC4
alias Element = vec4<f32>;
alias Four = mat4x4<f32>;
#else
alias Element = f32;
alias Four = vec4<f32>;
#endif

// What they add to the block of y.
fn products(own_as: Four, own_bs: Four) -> mat4x4<f32> {
#if VEC4 == n
  return own_bs * own_as;
#endif
#if VEC4 == k
  return transpose(own_bs) * own_as;
#endif
#if !VEC4
  return outer(own_as, own_bs);
#endif
}
