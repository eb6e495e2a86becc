// As conv2d's blocked, with packed weights: an invocation makes 4 channels of one group, of 4 neighbouring pixels of a row, from 8 taps at a time. With POINTWISE all pixels
// of an image are one row.
struct Params {
  pieces: u32,
  blocks: u32,
  groups: u32,
  group_channels: u32,
  group_outs: u32,
  taps: u32,
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
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/next-four.wgsl"
#include "wgsl/packed.wgsl"
#include "wgsl/store-block.wgsl"
#include "wgsl/conv-row.wgsl"

// What tap t of a group's windows meets, its channels being those from `channel` on: 0 where there is no such tap, as in the last row's filling.
fn tap(channel: u32, oy: u32, columns: vec4<u32>, t: u32) -> vec4<f32> {
#if !WHOLE
  if (t >= params.taps) {
    return vec4<f32>();
  }
#endif
#if POINTWISE
  return x_four(Row((channel + t) * params.width, params.width), columns, 0u);
#else
  let line = t / params.kernel_width;
  let row = row_of(channel + line / params.kernel_height, oy, line % params.kernel_height);
  return x_four(row, columns, t % params.kernel_width);
#endif
}

fn taps(channel: u32, oy: u32, columns: vec4<u32>, t: u32) -> mat4x4<f32> {
  return mat4x4<f32>(
    tap(channel, oy, columns, t),
    tap(channel, oy, columns, t + 1u),
    tap(channel, oy, columns, t + 2u),
    tap(channel, oy, columns, t + 3u),
  );
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.pieces) {
    return;
  }
  let across = (params.out_width + 3u) / 4u;
  let down = (params.group_outs + 3u) / 4u;
  let columns = next_four(i % across * 4u);
  let oy = i / across % params.out_height;
  let outs = next_four(i / (across * params.out_height) % down * 4u);
  // Of all groups of all images, and of the channels that this one makes.
  let group = i / (across * params.out_height * down);
  let first = group % params.groups * params.group_outs;
  let channel = group * params.group_channels;
  // Channels beyond the last read the last's weights and are not stored.
  let rows = first + min(outs, vec4<u32>(params.group_outs - 1u));
  let eights = (params.taps + 7u) / 8u;
  var sums = mat4x4<f32>();
  for (var e = 0u; e < eights; e++) {
    let w0 = weights(rows.x, e);
    let w1 = weights(rows.y, e);
    let w2 = weights(rows.z, e);
    let w3 = weights(rows.w, e);
    sums += taps(channel, oy, columns, 8u * e) * mat4x4<f32>(w0.lo, w1.lo, w2.lo, w3.lo);
    sums += taps(channel, oy, columns, 8u * e + 4u) * mat4x4<f32>(w0.hi, w1.hi, w2.hi, w3.hi);
  }
  let line = (group * params.group_outs * params.out_height + oy) * params.out_width;
  store_block(line, first, outs, columns, sums);
}
