// As blocked.wgsl for a window of one pixel that moves by one and has no padding: a product of matrices, [outs, channels] · [channels, pixels].
// With VEC4 values are read four at a time, and channels count fours. Pixels are stored so too (VEC4_Y) where an image has whole fours of them; REST is how many it has beyond
// those: each channel of four then begins so many words later in a four than the one before.
#include "wgsl/flat-workgroup.wgsl"

struct Params {
  blocks: u32,
  channels: u32,
  outs: u32,
  area: u32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> w: array<Element>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored>;
@group(0) @binding(5) var<uniform> params: Params;

override WG: u32 = 64;
// Blocks of 4 × 4 that an invocation makes, along each side: 1 or 2.
override SIDE: u32 = 1;
#include "wgsl/store-sum.wgsl"
#include "wgsl/store-four.wgsl"
#include "wgsl/fours.wgsl"

#if REST
#const REST
// Four values of x, from word `start` (modulo four) of x[at] on. Words are read one by one, and none but these: software adapters pay by the word. Those beyond x's last are not stored.
fn x_run(at: u32, start: u32) -> vec4<f32> {
  let next = min(at + 1u, arrayLength(&x) - 1u);
  switch (start % 4u) {
    case 1u: {
      return vec4<f32>(x[at].y, x[at].z, x[at].w, x[next].x);
    }
    case 2u: {
      return vec4<f32>(x[at].z, x[at].w, x[next].x, x[next].y);
    }
    case 3u: {
      return vec4<f32>(x[at].w, x[next].x, x[next].y, x[next].z);
    }
    default: {
      return x[at];
    }
  }
}

fn x_four(at: vec4<u32>) -> Four {
  return Four(x[at.x], x_run(at.y, REST), x_run(at.z, 2u * REST), x_run(at.w, 3u * REST));
}
#else
fn x_four(at: vec4<u32>) -> Four {
  return Four(x[at.x], x[at.y], x[at.z], x[at.w]);
}
#endif

fn w_four(at: vec4<u32>) -> Four {
  return Four(w[at.x], w[at.y], w[at.z], w[at.w]);
}

// Where the first of x are. Pixels and channels beyond the last have the values of others and are not stored.
fn x_first(image: u32, pixels: vec4<u32>) -> vec4<u32> {
  let plane = image * params.channels * params.area;
#if VEC4
  return plane + min(pixels.x, params.area - 1u) / 4u + next_four(0u) * params.area / 4u;
#else
  return plane + min(pixels, vec4<u32>(params.area - 1u));
#endif
}

fn store_row(image: u32, out: u32, pixels: vec4<u32>, sums: vec4<f32>) {
  if (out < params.outs) {
    store_four((image * params.outs + out) * params.area, vec4<u32>(out), pixels, params.area, sums);
  }
}

fn store_block(image: u32, outs: vec4<u32>, pixels: vec4<u32>, sums: mat4x4<f32>) {
  store_row(image, outs.x, pixels, sums[0]);
  store_row(image, outs.y, pixels, sums[1]);
  store_row(image, outs.z, pixels, sums[2]);
  store_row(image, outs.w, pixels, sums[3]);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) wgs: vec3<u32>,
  @builtin(local_invocation_index) li: u32,
) {
  let i = flat_workgroup(wid, wgs) * WG + li;
  if (i >= params.blocks) {
    return;
  }
  let across = (params.area + 4u * SIDE - 1u) / (4u * SIDE);
  let down = (params.outs + 4u * SIDE - 1u) / (4u * SIDE);
  let pixels = next_four(i % across * 4u * SIDE);
  let outs = next_four(i / across % down * 4u * SIDE);
  let image = i / (across * down);
  let last_out = vec4<u32>(params.outs - 1u);
  var at = x_first(image, pixels);
  var far_at = x_first(image, pixels + 4u);
  var weights = min(outs, last_out) * params.channels;
  var far_weights = min(outs + 4u, last_out) * params.channels;
  var sums = mat4x4<f32>();
  var right = mat4x4<f32>();
  var below = mat4x4<f32>();
  var corner = mat4x4<f32>();
  for (var c = 0u; c < params.channels; c++) {
    let xs = x_four(at);
    let ws = w_four(weights);
    sums += products(ws, xs);
    at += params.area;
    weights += 1u;
    if (SIDE == 2u) {
      let far_xs = x_four(far_at);
      let far_ws = w_four(far_weights);
      right += products(ws, far_xs);
      below += products(far_ws, xs);
      corner += products(far_ws, far_xs);
      far_at += params.area;
      far_weights += 1u;
    }
  }
  store_block(image, outs, pixels, sums);
  if (SIDE == 2u) {
    store_block(image, outs, pixels + 4u, right);
    store_block(image, outs + 4u, pixels, below);
    store_block(image, outs + 4u, pixels + 4u, corner);
  }
}
