@group(0) @binding(0) var image: texture_external;

fn pixel(at: vec2<u32>) -> vec4<f32> {
  return textureLoad(image, at);
}

#include "wgsl/pixels.wgsl"
