// y = where along a line of x the elements of each of its runs lie, in order; of equal ones the first goes first. Of each run of up to 256
// elements only the first params.kept are there. A workgroup has params.each runs, an invocation four elements at a time: how many of its run go before an element is its place.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/sorting.wgsl"

struct Params {
  segments: u32,
  each: u32,
  runs: u32,
  quads: u32,
  kept: u32,
  cols: u32,
  total: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

override WG: u32 = 64;
var<workgroup> keys: array<vec4<u32>, 64>;

// How many of four keys are below each of `own`.
fn below(own: vec4<u32>, four: vec4<u32>) -> vec4<u32> {
  let two = vec4<u32>(vec4<u32>(four.x) < own) + vec4<u32>(vec4<u32>(four.y) < own);
  return two + vec4<u32>(vec4<u32>(four.z) < own) + vec4<u32>(vec4<u32>(four.w) < own);
}

// How many of four keys are below each of `own` or equal to it.
fn at_most(own: vec4<u32>, four: vec4<u32>) -> vec4<u32> {
  return 4u - below(~own, ~four);
}

// How many of `own` itself go before each.
fn within(own: vec4<u32>) -> vec4<u32> {
  let equal = vec3<u32>(own.xxx == own.yzw);
  let others = vec3<u32>(own.yyz == own.zww);
  return below(own, own) + vec4<u32>(0u, equal.x, equal.y + others.x, equal.z + others.y + others.z);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let first = flat_workgroup(wid, wgs) * params.each;
  let quads = min(params.each, max(params.segments, first) - first) * params.quads;
  for (var quad = li; quad < quads; quad += WG) {
    let segment = first + quad / params.quads;
    let col = (segment % params.runs * params.quads + quad % params.quads) * 4u;
    let start = line_of(segment / params.runs, params.cols);
    // Beyond the line's end lies what goes last.
    var four = vec4<u32>(0xffffffffu);
    for (var i = 0u; i < min(4u, max(params.cols, col) - col); i++) {
      four[i] = sort_key(x[start + (col + i) * params.inner]);
    }
    keys[quad] = four;
  }
  workgroupBarrier();
  for (var quad = li; quad < quads; quad += WG) {
    let head = quad - quad % params.quads;
    let own = keys[quad];
    var place = within(own);
    for (var i = head; i < quad; i++) {
      place += at_most(own, keys[i]);
    }
    for (var i = quad + 1u; i < head + params.quads; i++) {
      place += below(own, keys[i]);
    }
    let segment = first + quad / params.quads;
    let run = segment % params.runs;
    let row = segment / params.runs;
    let col = (run * params.quads + quad - head) * 4u;
    let start = line_of(row, params.total);
    for (var i = 0u; i < min(4u, max(params.cols, col) - col); i++) {
      if (place[i] < params.kept) {
        y[start + (run * params.kept + place[i]) * params.inner] = col + i;
      }
    }
  }
}
