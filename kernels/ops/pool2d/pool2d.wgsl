// y[plane, oy, ox] = the largest, or the mean, of x[plane, oy·sy + ky·dy − py, ox·sx + kx·dx − px], an invocation an element. A plane is a channel of an
// image. The mean is over what lies in the image and, with INCLUDE_PAD, its padding.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  height: u32,
  width: u32,
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
  padded_height: u32,
  padded_width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;
const LOWEST = -0x1.fffffep+127f;

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
#if OP == max
  var result = LOWEST;
#else
  var result = 0.0;
  var count = 0u;
#endif
  for (var ky = 0u; ky < params.kernel_height; ky++) {
    let py = oy * params.stride_y + ky * params.dilation_y;
    // Above the image this wraps to a number beyond its height, and so does x below.
    let iy = py - params.pad_y;
    let row = (plane * params.height + iy) * params.width;
    for (var kx = 0u; kx < params.kernel_width; kx++) {
      let px = ox * params.stride_x + kx * params.dilation_x;
      let ix = px - params.pad_x;
      let inside = iy < params.height && ix < params.width;
#if OP == max
      if (inside) {
        result = max(result, x[row + ix]);
      }
#else
      if (inside) {
        result += x[row + ix];
      }
#if INCLUDE_PAD
      if (py < params.padded_height && px < params.padded_width) {
        count++;
      }
#else
      if (inside) {
        count++;
      }
#endif
#endif
    }
  }
#if OP == max
  y[i] = result;
#else
  y[i] = result / f32(count);
#endif
}
