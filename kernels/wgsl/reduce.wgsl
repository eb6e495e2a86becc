// Tree reductions over the WG invocations of a workgroup, to be called in uniform control flow; every invocation gets the result.
// WG is a power of two. REDUCE_SUM, REDUCE_PROD and REDUCE_MAX say which are wanted; T comes from wgsl/number.wgsl.
override WG: u32 = 64;
var<workgroup> scratch: array<T, WG>;
#if REDUCE_SUM

fn reduce_sum(li: u32, value: T) -> T {
  scratch[li] = value;
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      scratch[li] += scratch[li + s];
    }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&scratch[0]);
}
#endif
#if REDUCE_PROD

fn reduce_prod(li: u32, value: T) -> T {
  scratch[li] = value;
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      scratch[li] *= scratch[li + s];
    }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&scratch[0]);
}
#endif
#if REDUCE_MAX

fn reduce_max(li: u32, value: T) -> T {
  scratch[li] = value;
  workgroupBarrier();
  for (var s = WG / 2u; s > 0u; s = s >> 1u) {
    if (li < s) {
      scratch[li] = max(scratch[li], scratch[li + s]);
    }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&scratch[0]);
}
#endif
