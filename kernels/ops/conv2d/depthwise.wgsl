// As direct.wgsl where each group has one channel; an invocation makes 4 neighbouring pixels of a row, or 8, so that each weight it reads serves as many
// products.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  blocks: u32,
  outs: u32,
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
// Fours of pixels that an invocation makes: 1 or 2.
override SIDE: u32 = 1;
#include "wgsl/outer.wgsl"
#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"
#include "wgsl/conv-row.wgsl"

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
  let columns = next_four(i % across * 4u * SIDE);
  let oy = i / across % params.out_height;
  // Of the outputs of all images.
  let plane = i / (across * params.out_height);
  let out = plane % params.outs;
  var weight = out * params.kernel_height * params.kernel_width;
  var sums = vec4<f32>();
  var far = vec4<f32>();
  for (var ky = 0u; ky < params.kernel_height; ky++) {
    let row = row_of(plane / params.group_outs, oy, ky);
    for (var kx = 0u; kx < params.kernel_width; kx++) {
      sums += w[weight] * x_four(row, columns, kx);
      if (SIDE == 2u) {
        far += w[weight] * x_four(row, columns + 4u, kx);
      }
      weight++;
    }
  }
  let line = (plane * params.out_height + oy) * params.out_width;
  store_four(line, vec4<u32>(out), columns, params.out_width, sums);
  if (SIDE == 2u) {
    store_four(line, vec4<u32>(out), columns + 4u, params.out_width, far);
  }
}
