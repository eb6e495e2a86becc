// As tiled.wgsl without workgroup memory or a barrier, which software adapters pay dearly for: an invocation turns a block of 4 × 4 in registers. With FOUR rows and columns come in
// whole fours, and are read and stored four at a time.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  rows: u32,
  cols: u32,
}

#if FOUR
alias V = vec4<u32>;
#else
alias V = u32;
#endif

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let across = (params.cols + 3u) / 4u;
  let down = (params.rows + 3u) / 4u;
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= across * down) {
    return;
  }
  let row = i / across;
  let col = i % across;
#if FOUR
  let at = row * 4u * across + col;
  let to = col * 4u * down + row;
  let a = x[at];
  let b = x[at + across];
  let c = x[at + 2u * across];
  let d = x[at + 3u * across];
  y[to] = V(a.x, b.x, c.x, d.x);
  y[to + down] = V(a.y, b.y, c.y, d.y);
  y[to + 2u * down] = V(a.z, b.z, c.z, d.z);
  y[to + 3u * down] = V(a.w, b.w, c.w, d.w);
#else
  for (var r = row * 4u; r < min(row * 4u + 4u, params.rows); r++) {
    for (var c = col * 4u; c < min(col * 4u + 4u, params.cols); c++) {
      y[c * params.rows + r] = x[r * params.cols + c];
    }
  }
#endif
}
