// As blocked.wgsl for a window of one pixel that moves by one and has no padding: a product of matrices, [outs, channels] · [channels, pixels].
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  blocks: u32,
  channels: u32,
  outs: u32,
  area: u32,
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

fn store(out: u32, image: u32, pixels: vec4<u32>, values: vec4<f32>) {
  if (out >= params.outs) {
    return;
  }
#if BIAS
  let shift = bias[out];
#else
  let shift = 0.0;
#endif
  let base = (image * params.outs + out) * params.area;
  for (var j = 0u; j < 4u; j++) {
    if (pixels[j] < params.area) {
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
  let across = (params.area + 3u) / 4u;
  let down = (params.outs + 3u) / 4u;
  let pixels = vec4<u32>(i % across * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  let out0 = i / across % down * 4u;
  let image = i / (across * down);
  // Pixels and channels beyond the last read the last's values and are not stored.
  let outs = min(vec4<u32>(out0) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outs - 1u));
  var weights = outs * params.channels;
  var at = image * params.channels * params.area + min(pixels, vec4<u32>(params.area - 1u));
  var acc0 = vec4<f32>();
  var acc1 = vec4<f32>();
  var acc2 = vec4<f32>();
  var acc3 = vec4<f32>();
  for (var c = 0u; c < params.channels; c++) {
    let xs = vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]);
    acc0 += w[weights.x] * xs;
    acc1 += w[weights.y] * xs;
    acc2 += w[weights.z] * xs;
    acc3 += w[weights.w] * xs;
    weights += vec4<u32>(1u);
    at += vec4<u32>(params.area);
  }
  store(out0, image, pixels, acc0);
  store(out0 + 1u, image, pixels, acc1);
  store(out0 + 2u, image, pixels, acc2);
  store(out0 + 3u, image, pixels, acc3);
}
