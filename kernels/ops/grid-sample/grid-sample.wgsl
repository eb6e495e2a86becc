// y[n, c, p] = x[n, c] where grid[n, p] says: x, then y, from -1 at one edge of the image to 1 at the other; between pixels by the four around, or with MODE == cubic the sixteen. An
// invocation makes one pixel of one channel.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  elems: u32,
  channels: u32,
  height: u32,
  width: u32,
  pixels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> grid: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override WG: u32 = 64;

// Where a number of the grid lies on an axis of `size` pixels: with ALIGN its edges are in the middle of the first and the last pixel.
fn place_of(g: f32, size: u32) -> f32 {
#if ALIGN
  return (g + 1.0) * 0.5 * f32(size - 1u);
#else
  return ((g + 1.0) * f32(size) - 1.0) * 0.5;
#endif
}

#if PADDING == border
fn inside(at: i32, size: u32) -> i32 {
  return clamp(at, 0, i32(size) - 1);
}
#endif
#if PADDING == reflection
// Mirrored at the edges, which ALIGN says where they are, as often as it takes.
fn inside(at: i32, size: u32) -> i32 {
#if ALIGN
  let period = max(2 * i32(size) - 2, 1);
  let rest = (at % period + period) % period;
  return min(rest, period - rest);
#else
  let period = 2 * i32(size);
  let rest = (at % period + period) % period;
  return min(rest, period - 1 - rest);
#endif
}
#endif

fn pixel(plane: u32, row: i32, col: i32) -> f32 {
#if PADDING == zeros
  // Below 0 they are numbers beyond any size.
  if (u32(row) >= params.height || u32(col) >= params.width) {
    return 0.0;
  }
  return x[(plane * params.height + u32(row)) * params.width + u32(col)];
#else
  return x[(plane * params.height + u32(inside(row, params.height))) * params.width + u32(inside(col, params.width))];
#endif
}

#if MODE == cubic
// What the four pixels around count, the second being `t` away: Keys' cubic convolution (1981) with a = -0.75.
fn weights(t: f32) -> vec4<f32> {
  let near = vec2<f32>(t, 1.0 - t);
  let far = near + 1.0;
  let inner = ((1.25 * near - 2.25) * near) * near + 1.0;
  let outer = ((-0.75 * far + 3.75) * far - 6.0) * far + 3.0;
  return vec4<f32>(outer.x, inner.x, inner.y, outer.y);
}
#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.elems) {
    return;
  }
  let plane = i / params.pixels;
  let point = (plane / params.channels * params.pixels + i % params.pixels) * 2u;
  let px = place_of(grid[point], params.width);
  let py = place_of(grid[point + 1u], params.height);
#if MODE == nearest
  y[i] = pixel(plane, i32(round(py)), i32(round(px)));
#else
  let col = i32(floor(px));
  let row = i32(floor(py));
#if MODE == linear
  let tx = px - floor(px);
  let ty = py - floor(py);
  let upper = pixel(plane, row, col) * (1.0 - tx) + pixel(plane, row, col + 1) * tx;
  let lower = pixel(plane, row + 1, col) * (1.0 - tx) + pixel(plane, row + 1, col + 1) * tx;
  y[i] = upper * (1.0 - ty) + lower * ty;
#else
  let across = weights(px - floor(px));
  let down = weights(py - floor(py));
  var sum = 0.0;
  for (var r = 0; r < 4; r++) {
    for (var c = 0; c < 4; c++) {
      sum += down[r] * across[c] * pixel(plane, row + r - 1, col + c - 1);
    }
  }
  y[i] = sum;
#endif
#endif
}
