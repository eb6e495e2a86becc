// y[m, n] = f(scale · Σ a[m, k] · weight(n, k) + bias[n]), with a residual within or after f; a workgroup makes four columns of one row, its invocations share out k.
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
var<workgroup> scratch: array<vec4<f32>, WG>;
#include "wgsl/packed-product.wgsl"
#include "wgsl/store-sum.wgsl"

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let across = (params.n + 3u) / 4u;
  let g = flat_workgroup(wid, wgs);
  if (g >= params.m * across) {
    return;
  }
  let row = g / across;
  let first = g % across * 4u;
  // Columns beyond the last read the last's weights and are not stored.
  let cols = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u));
  let eights = (params.k + 7u) / 8u;
  var sum = vec4<f32>();
  for (var i = li; i < eights; i += WG) {
    let x = activations(row, i);
    for (var c = 0u; c < 4u; c++) {
      sum[c] += product(x, weights(cols[c], i));
    }
  }
  scratch[li] = sum;
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      scratch[li] += scratch[li + s];
    }
    workgroupBarrier();
  }
  for (var j = li; j < 4u; j += WG) {
    let col = first + j;
    if (col < params.n) {
      store(row * params.n + col, col, scratch[0][j]);
    }
  }
}
