// As direct.wgsl; an invocation makes 4 channels of one group, or 8, of as many neighbouring pixels of a row, so that each value it reads serves as many
// products.
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
// Blocks of 4 × 4 that an invocation makes, along each side: 1 or 2.
override SIDE: u32 = 1;
#include "wgsl/outer.wgsl"
#include "wgsl/store-block.wgsl"
#include "wgsl/conv-row.wgsl"

fn w_four(at: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(w[at.x], w[at.y], w[at.z], w[at.w]);
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
  let across = (params.out_width + 4u * SIDE - 1u) / (4u * SIDE);
  let down = (params.group_outs + 4u * SIDE - 1u) / (4u * SIDE);
  let columns = next_four(i % across * 4u * SIDE);
  let oy = i / across % params.out_height;
  let outs = next_four(i / (across * params.out_height) % down * 4u * SIDE);
  // Of all groups of all images, and of the channels that this one makes.
  let group = i / (across * params.out_height * down);
  let first = group % params.groups * params.group_outs;
  let taps = params.group_channels * params.kernel_height * params.kernel_width;
  // Channels beyond the last read the last's weights and are not stored.
  let last = vec4<u32>(params.group_outs - 1u);
  var weights = (first + min(outs, last)) * taps;
  var far_weights = (first + min(outs + 4u, last)) * taps;
  var sums = mat4x4<f32>();
  var right = mat4x4<f32>();
  var below = mat4x4<f32>();
  var corner = mat4x4<f32>();
  for (var c = 0u; c < params.group_channels; c++) {
    for (var ky = 0u; ky < params.kernel_height; ky++) {
      let row = row_of(group * params.group_channels + c, oy, ky);
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let xs = x_four(row, columns, kx);
        let ws = w_four(weights);
        sums += outer(ws, xs);
        weights += 1u;
        if (SIDE == 2u) {
          let far_xs = x_four(row, columns + 4u, kx);
          let far_ws = w_four(far_weights);
          right += outer(ws, far_xs);
          below += outer(far_ws, xs);
          corner += outer(far_ws, far_xs);
          far_weights += 1u;
        }
      }
    }
  }
  let line = (group * params.group_outs * params.out_height + oy) * params.out_width;
  store_block(line, first, outs, columns, sums);
  if (SIDE == 2u) {
    store_block(line, first, outs, columns + 4u, right);
    store_block(line, first, outs + 4u, columns, below);
    store_block(line, first, outs + 4u, columns + 4u, corner);
  }
}
