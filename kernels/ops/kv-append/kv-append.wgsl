// Writes new keys or values into the pages of their sequences, behind those that are there. What finds no page is dropped. An invocation moves one number, or, with CACHE == float16, two into a word: sizes are then in words.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  heads: u32,
  seq: u32,
  size: u32,
  page: u32,
  pages: u32,
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> sequences: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let token = i / params.size;
  let head = token / params.seq;
  let sequence = head / params.heads * (params.pages + 1u);
  let key = u32(sequences[sequence]) + token % params.seq;
  if (key / params.page >= params.pages) {
    return;
  }
  let page = u32(sequences[sequence + 1u + key / params.page]);
  // Below 0 it is a number beyond any cache.
  if (page >= params.count) {
    return;
  }
  let place = (page * params.heads + head % params.heads) * params.page + key % params.page;
#if CACHE == float16
  let pair = vec2<f32>(bitcast<f32>(x[2u * i]), bitcast<f32>(x[2u * i + 1u]));
  y[place * params.size + i % params.size] = pack2x16float(pair);
#else
  y[place * params.size + i % params.size] = x[i];
#endif
}
