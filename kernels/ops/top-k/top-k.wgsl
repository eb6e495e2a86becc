// y = where along a line of x its largest, or with OP == min its least, elements lie, in order; of equal ones the first goes first. An invocation an element of x:
// how many go before it is its place.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/number.wgsl"
#include "wgsl/order.wgsl"

struct Params {
  elems: u32,
  cols: u32,
  inner: u32,
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.elems) {
    return;
  }
  let inner = i % params.inner;
  let own = i / params.inner % params.cols;
  let outer = i / (params.inner * params.cols);
  let start = outer * params.cols * params.inner + inner;
  let value = x[i];
  var place = 0u;
  for (var j = 0u; j < params.cols; j++) {
    place += u32(precedes(x[start + j * params.inner], j, value, own));
  }
  if (place < params.count) {
    y[(outer * params.count + place) * params.inner + inner] = i32(own);
  }
}
