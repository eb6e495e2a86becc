// Lines along one axis, params.cols elements each, which lie params.inner apart: where line `row` begins.
fn line_start(row: u32) -> u32 {
  return row / params.inner * params.cols * params.inner + row % params.inner;
}
