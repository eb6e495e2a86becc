// y[places[i]] = updates[i]; with OP add, mul, min or max joined with what is there. What is outside of y is dropped. Updates that go to one place lie in one line: with an OP
// the first of them joins all, in order; without, any one of them stays.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/number.wgsl"

struct Params {
  elems: u32,
  cols: u32,
  inner: u32,
  size: u32,
}

@group(0) @binding(0) var<storage, read> places: array<u32>;
@group(0) @binding(1) var<storage, read> updates: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<T>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
#if JOINS

fn join(a: T, b: T) -> T {
#if OP == add
  return a + b;
#endif
#if OP == mul
  return a * b;
#endif
#if OP == min
  return min(a, b);
#endif
#if OP == max
  return max(a, b);
#endif
}
#endif

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
  let place = places[i];
  // Below 0 it is a number beyond any size.
  if (place >= params.size) {
    return;
  }
#if !JOINS
  y[place] = updates[i];
#else
  let own = i / params.inner % params.cols;
  let start = i - own * params.inner;
  for (var j = 0u; j < own; j++) {
    if (places[start + j * params.inner] == place) {
      return;
    }
  }
  var joined = y[place];
  for (var j = own; j < params.cols; j++) {
    let at = start + j * params.inner;
    if (places[at] == place) {
      joined = join(joined, updates[at]);
    }
  }
  y[place] = joined;
#endif
}
