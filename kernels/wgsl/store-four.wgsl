// Stores those of four neighbours of a line that lie before `end`. One by one: software adapters pay for an index into a vector that they don't know. With VEC4_Y all four
// do or none, and y has them as one.
#if VEC4_Y
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif

fn store_four(line: u32, outs: vec4<u32>, places: vec4<u32>, end: u32, sums: vec4<f32>) {
  let at = line + places;
  let values = vec4<f32>(
    finished(at.x, outs.x, sums.x),
    finished(at.y, outs.y, sums.y),
    finished(at.z, outs.z, sums.z),
    finished(at.w, outs.w, sums.w),
  );
#if VEC4_Y
  if (places.x < end) {
    y[at.x / 4u] = values;
  }
#else
  if (places.x < end) {
    y[at.x] = values.x;
  }
  if (places.y < end) {
    y[at.y] = values.y;
  }
  if (places.z < end) {
    y[at.z] = values.z;
  }
  if (places.w < end) {
    y[at.w] = values.w;
  }
#endif
}
