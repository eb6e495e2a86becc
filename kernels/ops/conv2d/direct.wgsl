// y[n, o, oy, ox] = f(bias[o] + Σ x[n, group(o) + c, oy·sy + ky·dy − py, ox·sx + kx·dx − px] · w[o, c, ky, kx]), with a residual within or after f; an invocation an element.
// What lies outside of x counts as 0.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  channels: u32,
  height: u32,
  width: u32,
  outs: u32,
  out_height: u32,
  out_width: u32,
  group_channels: u32,
  group_outs: u32,
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
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/store-sum.wgsl"

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.elems) {
    return;
  }
  let ox = i % params.out_width;
  let oy = i / params.out_width % params.out_height;
  let plane = i / (params.out_width * params.out_height);
  let out = plane % params.outs;
  let channel0 = plane / params.outs * params.channels + out / params.group_outs * params.group_channels;
  var sum = 0.0;
  var weight = out * params.group_channels * params.kernel_height * params.kernel_width;
  for (var c = 0u; c < params.group_channels; c++) {
    for (var ky = 0u; ky < params.kernel_height; ky++) {
      // Above the image this wraps to a number beyond its height, and so does x below.
      let iy = oy * params.stride_y + ky * params.dilation_y - params.pad_y;
      let row = ((channel0 + c) * params.height + iy) * params.width;
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let ix = ox * params.stride_x + kx * params.dilation_x - params.pad_x;
        if (iy < params.height && ix < params.width) {
          sum += x[row + ix] * w[weight];
        }
        weight++;
      }
    }
  }
  store(i, out, sum);
}
