// y = pairs of neighbours among the sorted runs of a line merged, the first params.kept elements of each. Of equal ones
// those of the left run go first. An invocation writes 16 of them: by halves it finds how many before them are from the left.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/sorting.wgsl"

struct Params {
  units: u32,
  pairs: u32,
  size: u32,
  kept: u32,
  cols: u32,
  length: u32,
  total: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> runs: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
const UNIT = 16u;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let unit = flat_workgroup(wid, wgs) * WG + li;
  if (unit >= params.units) {
    return;
  }
  let each = (params.kept + UNIT - 1u) / UNIT;
  let place = unit % each * UNIT;
  let pair = unit / each % params.pairs;
  let row = unit / each / params.pairs;
  let line = line_of(row, params.cols);
  let first = pair * params.size * 2u;
  let lefts = min(params.size, params.length - first);
  let rights = min(params.size, params.length - first - lefts);
  let left = line_of(row, params.length) + first * params.inner;
  let right = left + lefts * params.inner;
  // Of a run that is at its end its neighbour is read, which is not taken.
  let last = lefts + rights - 1u;
  let start = line_of(row, params.total) + pair * params.kept * params.inner;
  let end = min(place + UNIT, min(params.kept, lefts + rights));
  var i = max(place, rights) - rights;
  for (var span = max(min(place, lefts), i) - i; span > 0u; span = span >> 1u) {
    let next = i + (span + 1u) / 2u;
    let a = u32(runs[left + (next - 1u) * params.inner]);
    let b = u32(runs[right + (place - next) * params.inner]);
    if (sort_key(x[line + a * params.inner]) <= sort_key(x[line + b * params.inner])) {
      i = next;
    }
  }
  var j = place - i;
  var a = u32(runs[left + min(i, last) * params.inner]);
  var b = u32(runs[left + min(lefts + j, last) * params.inner]);
  var key_a = sort_key(x[line + a * params.inner]);
  var key_b = sort_key(x[line + b * params.inner]);
  for (var n = place; n < end; n++) {
    let is_left = j >= rights || (i < lefts && key_a <= key_b);
    y[start + n * params.inner] = select(b, a, is_left);
    if (is_left) {
      i++;
      a = u32(runs[left + min(i, last) * params.inner]);
      key_a = sort_key(x[line + a * params.inner]);
    } else {
      j++;
      b = u32(runs[left + min(lefts + j, last) * params.inner]);
      key_b = sort_key(x[line + b * params.inner]);
    }
  }
}
