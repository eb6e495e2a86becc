// Over a result, and where what an invocation makes of it lies in a view of the same shape: up to six axes, strides of 0 along those that were broadcast (walk.ts).
// V is what an invocation makes: a T, or with FOUR four neighbours along the last axis, which sizes and strides then count as one. What stands still along it is an element for all four.
#if FOUR
alias V = vec4<T>;
#else
alias V = T;
#endif

struct Axes {
  i0: u32,
  i1: u32,
  i2: u32,
  i3: u32,
  i4: u32,
  i5: u32,
}

fn axes_of(i: u32) -> Axes {
  var at: Axes;
#if AXES == 1
  at.i5 = i;
#endif
#if AXES == 2
  at.i4 = i / params.dim5;
  at.i5 = i % params.dim5;
#endif
#if AXES == 6
  var rest = i;
  at.i5 = rest % params.dim5;
  rest = rest / params.dim5;
  at.i4 = rest % params.dim4;
  rest = rest / params.dim4;
  at.i3 = rest % params.dim3;
  rest = rest / params.dim3;
  at.i2 = rest % params.dim2;
  rest = rest / params.dim2;
  at.i1 = rest % params.dim1;
  at.i0 = rest / params.dim1;
#endif
  return at;
}

// `step` is that of fours along the last axis, known when this is compiled: 1, or 0 of what stands still. Else it is s5.
fn place(at: Axes, step: u32, s0: u32, s1: u32, s2: u32, s3: u32, s4: u32, s5: u32) -> u32 {
#if FOUR
  let last = at.i5 * step;
#else
  let last = at.i5 * s5;
#endif
#if AXES == 1
  return last;
#endif
#if AXES == 2
  return at.i4 * s4 + last;
#endif
#if AXES == 6
  return at.i0 * s0 + at.i1 * s1 + at.i2 * s2 + at.i3 * s3 + at.i4 * s4 + last;
#endif
}
