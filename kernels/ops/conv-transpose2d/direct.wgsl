// y[n, o, oy, ox] = bias[o] + Σ x[n, group(o) + c, iy, ix] · w[group(o) + c, o, ky, kx] over all that oy = iy·sy + ky·dy − py and ox = ix·sx + kx·dx − px hold for: a
// convolution backwards, an invocation an element of its result.
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
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override WG: u32 = 64;

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
  let group0 = out / params.group_outs * params.group_channels;
  let channel0 = plane / params.outs * params.channels + group0;
#if BIAS
  var sum = bias[out];
#else
  var sum = 0.0;
#endif
  for (var ky = 0u; ky < params.kernel_height; ky++) {
    // Where the kernel begins before the image this wraps to a number beyond its end, and so does x below.
    let sy = oy + params.pad_y - ky * params.dilation_y;
    if (sy < params.height * params.stride_y && sy % params.stride_y == 0u) {
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let sx = ox + params.pad_x - kx * params.dilation_x;
        if (sx < params.width * params.stride_x && sx % params.stride_x == 0u) {
          for (var c = 0u; c < params.group_channels; c++) {
            let pixel = ((channel0 + c) * params.height + sy / params.stride_y) * params.width + sx / params.stride_x;
            let maps = (group0 + c) * params.group_outs + out % params.group_outs;
            sum += x[pixel] * w[(maps * params.kernel_height + ky) * params.kernel_width + kx];
          }
        }
      }
    }
  }
  y[i] = sum;
}
