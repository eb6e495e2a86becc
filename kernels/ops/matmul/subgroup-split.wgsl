// As split.wgsl; a workgroup makes 4 neighbouring elements of a row of y, and shares out their sums along k, where neighbours read neighbouring words if b's columns lie
// so. What an invocation has is added up in its subgroup, then what the subgroups have: one barrier.
enable subgroups;
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  batches: u32,
  m: u32,
  n: u32,
  k: u32,
  a_batch: u32,
  a_row: u32,
  a_col: u32,
  b_batch: u32,
  b_row: u32,
  b_col: u32,
  scale: f32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/store-sum.wgsl"

var<workgroup> totals: array<vec4<f32>, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let across = (params.n + 3u) / 4u;
  let i = flat_workgroup(wid, wgs);
  let batch = i / (across * params.m);
  if (batch >= params.batches) {
    return;
  }
  let row = i / across % params.m;
  let col = i % across * 4u;
  let cols = vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u);
  let left = batch * params.a_batch + row * params.a_row;
  // Columns beyond the last read the last's values and are not stored.
  let right = batch * params.b_batch + min(cols, vec4<u32>(params.n - 1u)) * params.b_col;
  var sum = vec4<f32>();
  for (var x = li; x < params.k; x += WG) {
    let at = right + vec4<u32>(x * params.b_row);
    sum += a[left + x * params.a_col] * vec4<f32>(b[at.x], b[at.y], b[at.z], b[at.w]);
  }
  // One of each subgroup has its sum, the others 0; which they are and how many is not foreseen.
  totals[li] = select(vec4<f32>(), subgroupAdd(sum), subgroupElect());
  workgroupBarrier();
  let size = subgroupAdd(1u);
  var part = vec4<f32>();
  for (var j = subgroupExclusiveAdd(1u); j < WG; j += size) {
    part += totals[j];
  }
  let all = subgroupAdd(part);
  for (var j = li; j < 4u; j += WG) {
    if (col + j < params.n) {
      store((batch * params.m + row) * params.n + col + j, col + j, all[j]);
    }
  }
}
