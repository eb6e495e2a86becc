// y[c, r] = x[r, c]; a workgroup turns a tile of TILE × TILE through workgroup memory, so that reads and writes both run along rows.
// Values are moved as bits: any dtype of four bytes, NaN payloads kept. The tile's rows are one wider than it, against bank conflicts.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  rows: u32,
  cols: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

override TILE: u32 = 16;
var<workgroup> tile: array<u32, TILE * (TILE + 1u)>;

@compute @workgroup_size(TILE, TILE)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_id) lid: vec3<u32>,
) {
  let tiles_across = (params.cols + TILE - 1u) / TILE;
  let index = flat_workgroup(wid, wgs);
  let row0 = index / tiles_across * TILE;
  let col0 = index % tiles_across * TILE;
  if (row0 + lid.y < params.rows && col0 + lid.x < params.cols) {
    tile[lid.y * (TILE + 1u) + lid.x] = x[(row0 + lid.y) * params.cols + col0 + lid.x];
  }
  workgroupBarrier();
  if (col0 + lid.y < params.cols && row0 + lid.x < params.rows) {
    y[(col0 + lid.y) * params.rows + row0 + lid.x] = tile[lid.x * (TILE + 1u) + lid.y];
  }
}
