// A row of x below one row of a window: where it starts, and how many columns it has, none above the image and below it.
struct Row {
  start: u32,
  width: u32,
}

fn row_of(channel: u32, oy: u32, ky: u32) -> Row {
  // Above the image this wraps to a number beyond its height, and so does a column beyond its width.
  let iy = oy * params.stride_y + ky * params.dilation_y - params.pad_y;
  return Row((channel * params.height + iy) * params.width, select(0u, params.width, iy < params.height));
}

// What lies outside of x counts as 0.
fn x_at(row: Row, column: u32, kx: u32) -> f32 {
  let ix = column * params.stride_x + kx * params.dilation_x - params.pad_x;
  return select(0.0, x[row.start + ix], ix < row.width);
}

fn x_four(row: Row, columns: vec4<u32>, kx: u32) -> vec4<f32> {
  return vec4<f32>(
    x_at(row, columns.x, kx),
    x_at(row, columns.y, kx),
    x_at(row, columns.z, kx),
    x_at(row, columns.w, kx),
  );
}
