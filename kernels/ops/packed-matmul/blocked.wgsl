// As gemv.wgsl; an invocation makes 4 × 4 elements, so that each weight is unpacked once for four rows. No workgroup memory, no barriers.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  m: u32,
  n: u32,
  k: u32,
  blocks: u32,
  scale: f32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<storage, read> a: array<Element>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/packed-product.wgsl"
#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"

fn store_row(row: u32, cols: vec4<u32>, values: vec4<f32>) {
  if (row < params.m) {
    store_four(row * params.n, cols, cols, params.n, values);
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let across = (params.n + 3u) / 4u;
  let g = flat_workgroup(wid, wgs) * WG + li;
  // Rows and columns beyond the last read the last's values and are not stored; all that a surplus invocation makes is such.
  let cols = vec4<u32>(g % across * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  let near = min(cols, vec4<u32>(params.n - 1u));
  let row = g / across * 4u;
  let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
  let eights = (params.k + 7u) / 8u;
  var acc0 = vec4<f32>();
  var acc1 = vec4<f32>();
  var acc2 = vec4<f32>();
  var acc3 = vec4<f32>();
  for (var i = 0u; i < eights; i++) {
    let x0 = activations(rows.x, i);
    let x1 = activations(rows.y, i);
    let x2 = activations(rows.z, i);
    let x3 = activations(rows.w, i);
    for (var c = 0u; c < 4u; c++) {
      let eight = weights(near[c], i);
      acc0[c] += product(x0, eight);
      acc1[c] += product(x1, eight);
      acc2[c] += product(x2, eight);
      acc3[c] += product(x3, eight);
    }
  }
  store_row(row, cols, acc0);
  store_row(row + 1u, cols, acc1);
  store_row(row + 2u, cols, acc2);
  store_row(row + 3u, cols, acc3);
}
