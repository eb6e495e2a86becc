// Stores those of four neighbours of a line that lie before `end`. One by one: software adapters pay for an index into a vector that they don't know. With VEC4 all four
// do or none, and y has them as one.
fn store_four(line: u32, outs: vec4<u32>, places: vec4<u32>, end: u32, sums: vec4<f32>) {
#if VEC4
  if (places.x < end) {
    let at = line + places;
    y[at.x / 4u] = vec4<f32>(
      finished(at.x, outs.x, sums.x),
      finished(at.y, outs.y, sums.y),
      finished(at.z, outs.z, sums.z),
      finished(at.w, outs.w, sums.w),
    );
  }
#else
  if (places.x < end) {
    store(line + places.x, outs.x, sums.x);
  }
  if (places.y < end) {
    store(line + places.y, outs.y, sums.y);
  }
  if (places.z < end) {
    store(line + places.z, outs.z, sums.z);
  }
  if (places.w < end) {
    store(line + places.w, outs.w, sums.w);
  }
#endif
}
