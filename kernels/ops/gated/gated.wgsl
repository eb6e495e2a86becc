// y[r, i] = f(gate[r, i]) · up[r, i]; with FUSED a row of gate is the gates, then what they let through.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  cols: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;
#include "wgsl/activate.wgsl"

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
#if FUSED
  let at = i + i / params.cols * params.cols;
  y[i] = activate(gate[at]) * gate[at + params.cols];
#else
  y[i] = activate(gate[i]) * up[i];
#endif
}
