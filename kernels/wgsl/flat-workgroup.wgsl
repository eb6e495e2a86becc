// The index of this workgroup in a dispatch that is two-dimensional where one dimension could not hold it (65,535 by default).
// The last row of such a grid may have surplus workgroups: callers check the index against what there is to do.
fn flat_workgroup(id: vec3<u32>, count: vec3<u32>) -> u32 {
  return id.y * count.x + id.x;
}
