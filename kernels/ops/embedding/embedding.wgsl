// y[i, col] = weight(indices[i], col), a row of a packed matrix for each index; an index below 0 counts from the end, one outside of it gives 0. An invocation makes
// eight elements.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  eights: u32,
  rows: u32,
  cols: u32,
  blocks: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<i32>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/packed.wgsl"

fn store(start: u32, col: u32, value: f32) {
  if (col < params.cols) {
    y[start + col] = value;
  }
}

fn store_four(start: u32, col: u32, four: vec4<f32>) {
  store(start, col, four.x);
  store(start, col + 1u, four.y);
  store(start, col + 2u, four.z);
  store(start, col + 3u, four.w);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let g = flat_workgroup(wid, wgs) * WG + li;
  if (g >= params.eights) {
    return;
  }
  let across = (params.cols + 7u) / 8u;
  let i = g / across;
  var index = indices[i];
  if (index < 0) {
    index += i32(params.rows);
  }
  var eight = Eight();
  // Still below 0 it is a number beyond any size.
  if (u32(index) < params.rows) {
    eight = weights(u32(index), g % across);
  }
  let col = g % across * 8u;
  store_four(i * params.cols, col, eight.lo);
  store_four(i * params.cols, col + 4u, eight.hi);
}
