// y[line] = where along a line of x the largest, or with OP == min the least, element lies; one workgroup for each line. Of equal ones the first counts, or
// with LAST the last.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/lines.wgsl"
#include "wgsl/number.wgsl"
#include "wgsl/order.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;
var<workgroup> values: array<T, WG>;
var<workgroup> indices: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let row = flat_workgroup(wid, wgs);
  if (row >= params.rows) {
    return;
  }
  let start = line_start(row);
  // Invocations beyond the line's end begin with its last element too.
  var best = min(li, params.cols - 1u);
  var value = x[start + best * params.inner];
  for (var i = li + WG; i < params.cols; i += WG) {
    let other = x[start + i * params.inner];
    if (precedes(other, i, value, best)) {
      best = i;
      value = other;
    }
  }
  values[li] = value;
  indices[li] = best;
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      if (precedes(values[li + s], indices[li + s], values[li], indices[li])) {
        values[li] = values[li + s];
        indices[li] = indices[li + s];
      }
    }
    workgroupBarrier();
  }
  if (li == 0u) {
    y[row] = i32(indices[0]);
  }
}
