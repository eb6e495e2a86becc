// y[c, oy, ox] = the pixel there of a rectangle of an image, resized: the mean of the pixels around it, the nearer the more (a triangle, as wide as a pixel of the result), then
// channel c made of its red, green, blue and alpha. An invocation makes all channels of a pixel. A word holds the bytes of one, red lowest.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  pixels: u32,
  channels: u32,
  out_width: u32,
  image_width: u32,
  top: u32,
  left: u32,
  height: u32,
  width: u32,
  step_y: f32,
  step_x: f32,
  reach_y: f32,
  reach_x: f32,
  red0: f32,
  green0: f32,
  blue0: f32,
  alpha0: f32,
  shift0: f32,
  red1: f32,
  green1: f32,
  blue1: f32,
  alpha1: f32,
  shift1: f32,
  red2: f32,
  green2: f32,
  blue2: f32,
  alpha2: f32,
  shift2: f32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

// What a pixel counts whose middle is so far away.
fn weight(distance: f32, reach: f32) -> f32 {
  return max(1.0 - abs(distance) / reach, 0.0);
}

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
  let at_y = (f32(i / params.out_width) + 0.5) * params.step_y;
  let at_x = (f32(i % params.out_width) + 0.5) * params.step_x;
  let first_y = u32(max(at_y - params.reach_y, 0.0));
  let first_x = u32(max(at_x - params.reach_x, 0.0));
  let end_y = min(u32(at_y + params.reach_y) + 1u, params.height);
  let end_x = min(u32(at_x + params.reach_x) + 1u, params.width);
  var sum = vec4<f32>();
  var total = 0.0;
  for (var row = first_y; row < end_y; row++) {
    let down = weight(f32(row) + 0.5 - at_y, params.reach_y);
    let start = (params.top + row) * params.image_width + params.left;
    for (var col = first_x; col < end_x; col++) {
      let share = down * weight(f32(col) + 0.5 - at_x, params.reach_x);
      let word = x[start + col];
      let bytes = (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u);
      sum += share * vec4<f32>(bytes);
      total += share;
    }
  }
  let color = sum / total;
  y[i] = dot(vec4<f32>(params.red0, params.green0, params.blue0, params.alpha0), color) + params.shift0;
  if (params.channels == 3u) {
    y[params.pixels + i] = dot(vec4<f32>(params.red1, params.green1, params.blue1, params.alpha1), color) + params.shift1;
    y[2u * params.pixels + i] = dot(vec4<f32>(params.red2, params.green2, params.blue2, params.alpha2), color) + params.shift2;
  }
}
