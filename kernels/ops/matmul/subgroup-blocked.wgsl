// As blocked.wgsl; a workgroup makes 4 rows of y, an invocation 4 elements of each, which lie WG apart, so that neighbouring invocations touch neighbouring words. Along
// k each invocation of a subgroup reads one value of each row of a, and all have them from its registers: no workgroup memory, no barriers.
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

// Whole subgroups: each invocation has values that the others need.
override WG: u32 = 64;
#include "wgsl/store-sum.wgsl"

fn store_row(batch: u32, row: u32, cols: vec4<u32>, values: vec4<f32>) {
  if (row >= params.m) {
    return;
  }
  let base = (batch * params.m + row) * params.n;
  for (var j = 0u; j < 4u; j++) {
    if (cols[j] < params.n) {
      store(base + cols[j], cols[j], values[j]);
    }
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) lanes: u32,
) {
  let across = (params.n + 4u * WG - 1u) / (4u * WG);
  let down = (params.m + 3u) / 4u;
  let i = flat_workgroup(wid, wgs);
  let batch = i / (across * down);
  if (batch >= params.batches) {
    return;
  }
  let cols = vec4<u32>(i % across * 4u * WG + li) + vec4<u32>(0u, 1u, 2u, 3u) * WG;
  let row = i / across % down * 4u;
  // Rows and columns beyond the last read the last's values and are not stored.
  let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
  let left = batch * params.a_batch + rows * params.a_row;
  var right = batch * params.b_batch + min(cols, vec4<u32>(params.n - 1u)) * params.b_col;
  var acc0 = vec4<f32>();
  var acc1 = vec4<f32>();
  var acc2 = vec4<f32>();
  var acc3 = vec4<f32>();
  for (var x0 = 0u; x0 < params.k; x0 += lanes) {
    // What lies behind a row's last, nobody asks for.
    let at = left + vec4<u32>((x0 + lane) * params.a_col);
    let own = vec4<f32>(a[at.x], a[at.y], a[at.z], a[at.w]);
    let count = min(lanes, params.k - x0);
    for (var x = 0u; x < count; x++) {
      let value = subgroupShuffle(own, x);
      let bs = vec4<f32>(b[right.x], b[right.y], b[right.z], b[right.w]);
      acc0 += value.x * bs;
      acc1 += value.y * bs;
      acc2 += value.z * bs;
      acc3 += value.w * bs;
      right += vec4<u32>(params.b_row);
    }
  }
  store_row(batch, row, cols, acc0);
  store_row(batch, row + 1u, cols, acc1);
  store_row(batch, row + 2u, cols, acc2);
  store_row(batch, row + 3u, cols, acc3);
}
