// y[i] = the bytes of pixel i of an image, row by row, red lowest. What includes this has the image, and `pixel`, which gives one, each channel from 0 to 1.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  pixels: u32,
  width: u32,
}

@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.pixels) {
    return;
  }
  y[i] = pack4x8unorm(pixel(vec2<u32>(i % params.width, i / params.width)));
}
