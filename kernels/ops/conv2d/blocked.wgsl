// As direct.wgsl, without groups; an invocation makes 4 channels of 4 neighbouring pixels, so that each value it reads serves four products.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  blocks: u32,
  channels: u32,
  height: u32,
  width: u32,
  outs: u32,
  out_height: u32,
  out_width: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  pad_y: u32,
  pad_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/clip.wgsl"

fn x_at(row: u32, inside: bool, ix: u32) -> f32 {
  return select(0.0, x[row + ix], inside && ix < params.width);
}

fn store(out: u32, image: u32, pixels: vec4<u32>, area: u32, values: vec4<f32>) {
  if (out >= params.outs) {
    return;
  }
#if BIAS
  let shift = bias[out];
#else
  let shift = 0.0;
#endif
  let base = (image * params.outs + out) * area;
  for (var j = 0u; j < 4u; j++) {
    if (pixels[j] < area) {
      y[base + pixels[j]] = clip(values[j] + shift);
    }
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.blocks) {
    return;
  }
  let area = params.out_height * params.out_width;
  let across = (area + 3u) / 4u;
  let down = (params.outs + 3u) / 4u;
  let pixels = vec4<u32>(i % across * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  let out0 = i / across % down * 4u;
  let image = i / (across * down);
  // Above the image these wrap to numbers beyond its height or width.
  let y0 = pixels / params.out_width * params.stride_y - vec4<u32>(params.pad_y);
  let x0 = pixels % params.out_width * params.stride_x - vec4<u32>(params.pad_x);
  let taps = params.channels * params.kernel_height * params.kernel_width;
  // Channels beyond the last read the last's weights and are not stored.
  let outs = min(vec4<u32>(out0) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outs - 1u));
  var weights = outs * taps;
  var acc0 = vec4<f32>();
  var acc1 = vec4<f32>();
  var acc2 = vec4<f32>();
  var acc3 = vec4<f32>();
  for (var c = 0u; c < params.channels; c++) {
    let plane = (image * params.channels + c) * params.height;
    for (var ky = 0u; ky < params.kernel_height; ky++) {
      let iy = y0 + vec4<u32>(ky * params.dilation_y);
      let rows = (vec4<u32>(plane) + iy) * params.width;
      let inside = iy < vec4<u32>(params.height);
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let ix = x0 + vec4<u32>(kx * params.dilation_x);
        let xs = vec4<f32>(
          x_at(rows.x, inside.x, ix.x),
          x_at(rows.y, inside.y, ix.y),
          x_at(rows.z, inside.z, ix.z),
          x_at(rows.w, inside.w, ix.w),
        );
        acc0 += w[weights.x] * xs;
        acc1 += w[weights.y] * xs;
        acc2 += w[weights.z] * xs;
        acc3 += w[weights.w] * xs;
        weights += vec4<u32>(1u);
      }
    }
  }
  store(out0, image, pixels, area, acc0);
  store(out0 + 1u, image, pixels, area, acc1);
  store(out0 + 2u, image, pixels, area, acc2);
  store(out0 + 3u, image, pixels, area, acc3);
}
