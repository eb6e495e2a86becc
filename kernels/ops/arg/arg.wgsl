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
struct Found {
  value: T,
  place: u32,
}
var<workgroup> founds: array<Found, WG>;

fn better(a: Found, b: Found) -> Found {
  if (precedes(b.value, b.place, a.value, a.place)) {
    return b;
  }
  return a;
}

fn elements(start: u32, places: vec4<u32>) -> vec4<T> {
  let at = start + places * params.inner;
  return vec4<T>(x[at.x], x[at.y], x[at.z], x[at.w]);
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
  // Four at a time, which are chosen and not branched to: a loop has less to do. Beyond the line's end its last element is taken again.
  let step = vec4<u32>(0u, 1u, 2u, 3u) * WG;
  let last = vec4<u32>(params.cols - 1u);
  var places = min(li + step, last);
  var tops = elements(start, places);
  for (var i = li + 4u * WG; i < params.cols; i += 4u * WG) {
    let nexts = min(i + step, last);
    let others = elements(start, nexts);
    let are_ahead = overtakes(others, tops);
    places = select(places, nexts, are_ahead);
    tops = select(tops, others, are_ahead);
  }
  let one = better(Found(tops.x, places.x), Found(tops.y, places.y));
  founds[li] = better(one, better(Found(tops.z, places.z), Found(tops.w, places.w)));
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      founds[li] = better(founds[li], founds[li + s]);
    }
    workgroupBarrier();
  }
  if (li == 0u) {
    y[row] = i32(founds[0].place);
  }
}
