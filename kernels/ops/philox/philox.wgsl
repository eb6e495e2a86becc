// y[r] = the four random words of the counter (counter[r], rest) under the key. An invocation makes four.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  rows: u32,
}

@group(0) @binding(0) var<storage, read> counter: array<u32>;
@group(0) @binding(1) var<storage, read> rest: array<u32>;
@group(0) @binding(2) var<storage, read> key: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<u32>>;
@group(0) @binding(4) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/philox.wgsl"

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.rows) {
    return;
  }
  y[i] = philox(vec4<u32>(counter[i], rest[0], rest[1], rest[2]), vec2<u32>(key[0], key[1]));
}
