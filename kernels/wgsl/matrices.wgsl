// Two matrices that are given by their strides; with VEC4 k and the strides count fours.
#include "wgsl/fours.wgsl"

fn a_four(at: vec4<u32>) -> Four {
  return Four(a[at.x], a[at.y], a[at.z], a[at.w]);
}

fn b_four(at: vec4<u32>) -> Four {
  return Four(b[at.x], b[at.y], b[at.z], b[at.w]);
}

// The first ones. Rows and columns beyond the last have the last's values and are not stored.
fn a_first(batch: u32, rows: vec4<u32>) -> vec4<u32> {
  return batch * params.a_batch + min(rows, vec4<u32>(params.m - 1u)) * params.a_row;
}

fn b_first(batch: u32, cols: vec4<u32>) -> vec4<u32> {
#if VEC4 == n
  return batch * params.b_batch + min(cols.x, params.n - 1u) / 4u + next_four(0u) * params.b_row;
#else
  return batch * params.b_batch + min(cols, vec4<u32>(params.n - 1u)) * params.b_col;
#endif
}

// From one step along k to the next.
fn b_step() -> u32 {
#if VEC4 == n
  return 4u * params.b_row;
#else
  return params.b_row;
#endif
}

fn store_row(batch: u32, row: u32, cols: vec4<u32>, sums: vec4<f32>) {
  if (row < params.m) {
    store_four((batch * params.m + row) * params.n, cols, cols, params.n, sums);
  }
}
