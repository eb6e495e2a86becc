// Stores those of four neighbours of a line that lie before `end`. One by one: software adapters pay for an index into a vector that they don't know.
fn store_four(line: u32, outs: vec4<u32>, places: vec4<u32>, end: u32, sums: vec4<f32>) {
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
}
