// y[i] = x[0] + … + x[i] along one axis; with EXCLUSIVE without x[i] itself, with REVERSE from the other end. One workgroup for each line: every invocation adds up a
// stretch of it, then goes through that stretch once more from where those before it left off.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/lines.wgsl"
#include "wgsl/number.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;
var<workgroup> sums: array<T, WG>;

fn place(start: u32, i: u32) -> u32 {
#if REVERSE
  return start + (params.cols - 1u - i) * params.inner;
#else
  return start + i * params.inner;
#endif
}

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
  let stretch = (params.cols + WG - 1u) / WG;
  let first = li * stretch;
  let end = min(first + stretch, params.cols);
  var part = T();
  for (var i = first; i < end; i++) {
    part += x[place(start, i)];
  }
  sums[li] = part;
  workgroupBarrier();
  var sum = T();
  for (var j = 0u; j < li; j++) {
    sum += sums[j];
  }
  for (var i = first; i < end; i++) {
    let at = place(start, i);
#if EXCLUSIVE
    y[at] = sum;
    sum += x[at];
#else
    sum += x[at];
    y[at] = sum;
#endif
  }
}
