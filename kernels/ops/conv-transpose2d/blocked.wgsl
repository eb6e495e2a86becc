// As direct.wgsl; an invocation makes 4 channels of one group, of 4 pixels of a row that lie a stride apart and so have the same taps: each value that it reads serves
// four products.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  blocks: u32,
  groups: u32,
  group_channels: u32,
  group_outs: u32,
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
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/outer.wgsl"
#include "wgsl/store-block.wgsl"

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
  // Each stretch of 4 strides of a row has a block for every column that a stride begins with.
  let stretch = 4u * params.stride_x;
  let across = (params.out_width + stretch - 1u) / stretch * params.stride_x;
  let block = i % across;
  let column = block / params.stride_x * stretch + block % params.stride_x;
  let oy = i / across % params.out_height;
  let down = (params.group_outs + 3u) / 4u;
  let outs = next_four(i / (across * params.out_height) % down * 4u);
  // Of all groups of all images, and of the channels that this one makes.
  let group = i / (across * params.out_height * down);
  let own = group % params.groups;
  let area = params.height * params.width;
  let taps = params.kernel_height * params.kernel_width;
  // Channels beyond the last read the last's weights and are not stored.
  let maps = own * params.group_channels * params.group_outs + min(outs, vec4<u32>(params.group_outs - 1u));
  var sums = mat4x4<f32>();
  for (var ky = 0u; ky < params.kernel_height; ky++) {
    // Where the kernel begins before the image this wraps to a number beyond its end.
    let sy = oy + params.pad_y - ky * params.dilation_y;
    if (sy < params.height * params.stride_y && sy % params.stride_y == 0u) {
      let row = group * params.group_channels * area + sy / params.stride_y * params.width;
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        // Of the first of the pixels; it may lie left of the image where others don't.
        let sx = i32(column + params.pad_x) - i32(kx * params.dilation_x);
        if (sx % i32(params.stride_x) == 0) {
          let ix = next_four(u32(sx / i32(params.stride_x)));
          let inside = ix < vec4<u32>(params.width);
          var pixels = row + ix;
          var weights = maps * taps + ky * params.kernel_width + kx;
          for (var c = 0u; c < params.group_channels; c++) {
            let xs = vec4<f32>(x[pixels.x], x[pixels.y], x[pixels.z], x[pixels.w]);
            let ws = vec4<f32>(w[weights.x], w[weights.y], w[weights.z], w[weights.w]);
            sums += outer(ws, select(vec4<f32>(), xs, inside));
            pixels += area;
            weights += params.group_outs * taps;
          }
        }
      }
    }
  }
  let line = (group * params.group_outs * params.out_height + oy) * params.out_width;
  store_block(line, own * params.group_outs, outs, column + vec4<u32>(0u, 1u, 2u, 3u) * params.stride_x, sums);
}
