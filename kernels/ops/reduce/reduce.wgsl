// y[line] = what the elements of a line of x come to (OP); one workgroup for each line.
#include "wgsl/flat-workgroup.wgsl"
#include "wgsl/lines.wgsl"
#include "wgsl/number.wgsl"
#include "wgsl/reduce.wgsl"

struct Params {
  rows: u32,
  cols: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(0) @binding(2) var<uniform> params: Params;

#if OP == min
// The order turned round: the least is the most.
fn turned(v: T) -> T {
#if T == float32
  return -v;
#else
  return ~v;
#endif
}
#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let row = flat_workgroup(wid, wgs);
  if (row >= params.rows) {
    return;
  }
  let start = line_start(row);
#if REDUCE_MAX
  var top = LEAST;
  for (var i = li; i < params.cols; i += WG) {
#if OP == min
    top = max(top, turned(x[start + i * params.inner]));
#else
    top = max(top, x[start + i * params.inner]);
#endif
  }
  let most = reduce_max(li, top);
#endif
#if REDUCE_PROD
  var part = T(1);
  for (var i = li; i < params.cols; i += WG) {
    part *= x[start + i * params.inner];
  }
  let product = reduce_prod(li, part);
#endif
#if REDUCE_SUM
  var part = T();
  for (var i = li; i < params.cols; i += WG) {
    let v = x[start + i * params.inner];
#if TERM == size
    part += abs(v);
#endif
#if TERM == square
    part += v * v;
#endif
#if TERM == power
    part += exp(v - most);
#endif
#if TERM == value
    part += v;
#endif
  }
  let sum = reduce_sum(li, part);
#endif
  if (li == 0u) {
#if RESULT == sum
    y[row] = sum;
#endif
#if RESULT == mean
    y[row] = sum / f32(params.cols);
#endif
#if RESULT == root
    y[row] = sqrt(sum);
#endif
#if RESULT == log
    y[row] = log(sum);
#endif
#if RESULT == log_and_most
    y[row] = log(sum) + most;
#endif
#if RESULT == product
    y[row] = product;
#endif
#if RESULT == most
    y[row] = most;
#endif
#if RESULT == least
    y[row] = turned(most);
#endif
  }
}
