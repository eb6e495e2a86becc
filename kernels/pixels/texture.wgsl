@group(0) @binding(0) var image: texture_2d<f32>;

fn pixel(at: vec2<u32>) -> vec4<f32> {
  return textureLoad(image, at, 0);
}

#include "wgsl/pixels.wgsl"
