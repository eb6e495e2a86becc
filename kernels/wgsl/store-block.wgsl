// Stores 4 channels of one group, from `first` on, of 4 neighbouring pixels of a row, those there are; `line` is the first channel's row.
#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"

fn store_row(line: u32, first: u32, out: u32, columns: vec4<u32>, sums: vec4<f32>) {
  if (out < params.group_outs) {
    let area = params.out_height * params.out_width;
    store_four(line + out * area, vec4<u32>(first + out), columns, params.out_width, sums);
  }
}

fn store_block(line: u32, first: u32, outs: vec4<u32>, columns: vec4<u32>, sums: mat4x4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    store_row(line, first, outs[i], columns, sums[i]);
  }
}
