// Where the element `i` of a result lies in an input that was broadcast to it: up to six axes, strides in elements, 0 along a broadcast axis.
struct Axes {
  i0: u32,
  i1: u32,
  i2: u32,
  i3: u32,
  i4: u32,
  i5: u32,
}

fn axes_of(i: u32) -> Axes {
  var rest = i;
  var axes: Axes;
  axes.i5 = rest % params.dim5;
  rest = rest / params.dim5;
  axes.i4 = rest % params.dim4;
  rest = rest / params.dim4;
  axes.i3 = rest % params.dim3;
  rest = rest / params.dim3;
  axes.i2 = rest % params.dim2;
  rest = rest / params.dim2;
  axes.i1 = rest % params.dim1;
  axes.i0 = rest / params.dim1;
  return axes;
}
