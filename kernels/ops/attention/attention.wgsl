// softmax(q·kᵀ) · v with the softmax built up tile by tile: a workgroup makes four rows (queries of the heads that share keys), its invocations take a key each.
// With PARTIAL the keys are split between workgroups, and attention-merge puts their sums together.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  batch: u32,
  heads: u32,
  kv_heads: u32,
  seq: u32,
  size: u32,
  v_size: u32,
  page: u32,
  pages: u32,
  splits: u32,
  chunk: u32,
  mask_batch: u32,
  mask_head: u32,
  mask_row: u32,
  window: u32,
  offset: i32,
  scale: f32,
  cap: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read> sequences: array<i32>;
@group(0) @binding(5) var<storage, read> sinks: array<f32>;
@group(0) @binding(6) var<storage, read> slopes: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

override WG: u32 = 64;
override SIZE: u32 = 64;
override V_SIZE: u32 = 64;
var<workgroup> queries: array<vec4<f32>, SIZE>;
var<workgroup> sums: array<vec4<f32>, V_SIZE>;
var<workgroup> shares: array<vec4<f32>, WG>;
var<workgroup> places: array<u32, WG>;
var<workgroup> scratch: array<vec4<f32>, WG>;

const LOWEST = -3e38f;
// With HIDES a mask from here down hides a key.
const HIDDEN = -1e30f;
#include "wgsl/activation.wgsl"

// The largest value of the workgroup, or the sum of all.
fn together(li: u32, value: vec4<f32>, largest: bool) -> vec4<f32> {
  scratch[li] = value;
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      let other = scratch[li + s];
      scratch[li] = select(scratch[li] + other, max(scratch[li], other), largest);
    }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&scratch[0]);
}

// The row of k and v that a sequence's key is.
fn place_of(sequence: u32, kv_head: u32, key: u32) -> u32 {
#if SEQUENCES
  let page = u32(sequences[sequence * (params.pages + 1u) + 1u + key / params.page]);
  return (page * params.kv_heads + kv_head) * params.page + key % params.page;
#else
  return (sequence * params.kv_heads + kv_head) * params.page + key;
#endif
}

fn score(place: u32) -> vec4<f32> {
  var s = vec4<f32>();
  for (var d = 0u; d < params.size; d++) {
    s += queries[d] * k[place * params.size + d];
  }
#if CAP
  for (var r = 0u; r < 4u; r++) {
    s[r] = params.cap * (2.0 * sigmoid(2.0 * (s[r] / params.cap)) - 1.0);
  }
#endif
  return s;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let group = params.heads / params.kv_heads;
  let rows = group * params.seq;
  let tiles = (rows + 3u) / 4u;
  let work = flat_workgroup(wid, wgs);
  if (work >= params.splits * params.batch * params.kv_heads * tiles) {
    return;
  }
  let kv_head = work / tiles % params.kv_heads;
  let b = work / (tiles * params.kv_heads) % params.batch;
  let split = work / (tiles * params.kv_heads * params.batch);
  let first_row = work % tiles * 4u;
  // Rows beyond the last are the last, and store the same.
  let row = min(vec4<u32>(first_row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(rows - 1u));
  let head = kv_head * group + row / params.seq;
  let query = row % params.seq;
  let out_row = (b * params.heads + head) * params.seq + query;
#if SEQUENCES
  let length = u32(sequences[b * (params.pages + 1u)]);
#else
  let length = params.page;
#endif
#if OFFSET
  let position = vec4<i32>(query) + params.offset;
#else
  let position = vec4<i32>(query) + i32(length) - i32(params.seq);
#endif
  for (var d = li; d < params.size; d += WG) {
    let at = out_row * params.size + d;
    queries[d] = params.scale * vec4<f32>(q[at.x], q[at.y], q[at.z], q[at.w]);
  }
  for (var d = li; d < params.v_size; d += WG) {
    sums[d] = vec4<f32>();
  }
  workgroupBarrier();

  var top = vec4<f32>(LOWEST);
  var total = vec4<f32>();
#if SINKS
  if (split == 0u) {
    top = vec4<f32>(sinks[head.x], sinks[head.y], sinks[head.z], sinks[head.w]);
    total = vec4<f32>(1.0);
  }
#endif
  let end = min(length, (split + 1u) * params.chunk);
  for (var first = split * params.chunk; first < end; first += WG) {
    let key = first + li;
    var s = vec4<f32>(LOWEST);
    var sees = vec4<bool>();
    if (key < end) {
      places[li] = place_of(b, kv_head, key);
      s = score(places[li]);
      sees = vec4<bool>(true);
      let distance = position - vec4<i32>(i32(key));
#if CAUSAL
      sees = sees & (distance >= vec4<i32>(0));
#endif
#if WINDOW
      sees = sees & (abs(distance) < vec4<i32>(i32(params.window)));
#endif
#if SLOPES
      s -= vec4<f32>(slopes[head.x], slopes[head.y], slopes[head.z], slopes[head.w]) * vec4<f32>(abs(distance));
#endif
#if MASK
      let at = b * params.mask_batch + head * params.mask_head + query * params.mask_row + key;
      let added = vec4<f32>(mask[at.x], mask[at.y], mask[at.z], mask[at.w]);
#if HIDES
      sees = sees & (added > vec4<f32>(HIDDEN));
      s += added;
#else
      s = max(s + added, vec4<f32>(LOWEST));
#endif
#endif
    }
    let before = top;
    top = max(top, together(li, select(vec4<f32>(LOWEST), s, sees), true));
    let share = select(vec4<f32>(), exp(s - top), sees);
    shares[li] = share;
    let kept = exp(before - top);
    total = total * kept + together(li, share, false);
    let count = min(WG, end - first);
    for (var d = li; d < params.v_size; d += WG) {
      var sum = sums[d] * kept;
      for (var j = 0u; j < count; j++) {
        sum += shares[j] * v[places[j] * params.v_size + d];
      }
      sums[d] = sum;
    }
    workgroupBarrier();
  }

  for (var r = 0u; r < 4u; r++) {
#if PARTIAL
    let to = (split * params.batch * params.heads * params.seq + out_row[r]) * (params.v_size + 2u);
    for (var d = li; d < params.v_size; d += WG) {
      y[to + d] = sums[d][r];
    }
    y[to + params.v_size] = top[r];
    y[to + params.v_size + 1u] = total[r];
#else
    // A total is 0, or 1 and more: the largest score's share is 1.
    for (var d = li; d < params.v_size; d += WG) {
      y[out_row[r] * params.v_size + d] = sums[d][r] / max(total[r], 1.0);
    }
#endif
  }
}
