// Eight weights of a packed matrix w at a time, as numbers. How they lie is packed/format.ts's table, whose numbers for one format are the constants here.
#const BLOCK
#const BYTES
#const LOW_AT
#const LOW_BITS
#const LOW_RUN
#const HIGH_AT
#const HIGH_BITS
#const HIGH_RUN
#const ZERO
#const SCALES_AT
#const CODES_AT

// Eight numbers.
struct Eight {
  lo: vec4<f32>,
  hi: vec4<f32>,
}

// What weights share: weight = size · (q − zero) − low.
struct Step {
  size: f32,
  zero: f32,
  low: f32,
}

// The low 16 bits of a word as a number. Not unpack2x16float: a device may let it make a subnormal number 0, which scales of narrow groups are.
fn half(bits: u32) -> f32 {
  let exponent = (bits >> 10u) & 31u;
  let steps = f32((bits & 1023u) | (min(exponent, 1u) << 10u));
  let size = steps * bitcast<f32>((max(exponent, 1u) + 102u) << 23u);
  return select(size, -size, (bits & 0x8000u) != 0u);
}

fn byte(at: u32) -> u32 {
  return (w[at / 4u] >> (at % 4u * 8u)) & 255u;
}

// The four bytes from `at` on.
fn word(at: u32) -> u32 {
#if WHOLE_WORDS
  return w[at / 4u];
#else
  // Blocks are of an even number of bytes.
  if (at % 4u == 0u) {
    return w[at / 4u];
  }
  return (w[at / 4u] >> 16u) | (w[at / 4u + 1u] << 16u);
#endif
}

// Where the parts of eight quants lie in two words: `shift` bits up in each of their bytes, or side by side.
struct Place {
  words: vec2<u32>,
  shift: u32,
}

// Of a plane's parts of the quants e to e + 7 of a block.
fn place(block: u32, e: u32, at: u32, bits: u32, run: u32) -> Place {
  if (run == 1u) {
    let all = word(block + at + e * bits / 32u * 4u) >> (e * bits % 32u);
    return Place(vec2<u32>(all, all >> (4u * bits)), 0u);
  }
  let first = block + at + e / (run * 8u / bits) * run + e % run;
  return Place(vec2<u32>(word(first), word(first + 4u)), e / run % (8u / bits) * bits);
}

#if INT8
// Eight quants, a byte each.
alias Quants = vec2<u32>;

// The lowest four numbers of `bits` bits, a byte each.
fn apart(all: u32, bits: u32) -> u32 {
  let each = (vec4<u32>(all) >> (vec4<u32>(0u, 1u, 2u, 3u) * vec4<u32>(bits))) & vec4<u32>((1u << bits) - 1u);
  return dot(each, vec4<u32>(0x1u, 0x100u, 0x10000u, 0x1000000u));
}

fn part(block: u32, e: u32, at: u32, bits: u32, run: u32) -> Quants {
  let p = place(block, e, at, bits, run);
  if (run == 1u) {
    return vec2<u32>(apart(p.words.x, bits), apart(p.words.y, bits));
  }
  return (p.words >> vec2<u32>(p.shift)) & vec2<u32>(0x01010101u * ((1u << bits) - 1u));
}

fn quants(block: u32, e: u32) -> Quants {
  var q = part(block, e, LOW_AT, LOW_BITS, LOW_RUN);
#if HIGH_BITS
  q |= part(block, e, HIGH_AT, HIGH_BITS, HIGH_RUN) << vec2<u32>(LOW_BITS);
#endif
  return q;
}
#else
struct Quants {
  lo: vec4<u32>,
  hi: vec4<u32>,
}

fn part(block: u32, e: u32, at: u32, bits: u32, run: u32) -> Quants {
  let p = place(block, e, at, bits, run);
  let shifts = select(vec4<u32>(0u, 8u, 16u, 24u) + p.shift, vec4<u32>(0u, 1u, 2u, 3u) * bits, run == 1u);
  let mask = vec4<u32>((1u << bits) - 1u);
  return Quants((vec4<u32>(p.words.x) >> shifts) & mask, (vec4<u32>(p.words.y) >> shifts) & mask);
}

fn quants(block: u32, e: u32) -> Quants {
  var q = part(block, e, LOW_AT, LOW_BITS, LOW_RUN);
#if SIGNED
  q = Quants(q.lo ^ vec4<u32>(128u), q.hi ^ vec4<u32>(128u));
#endif
#if HIGH_BITS
  let high = part(block, e, HIGH_AT, HIGH_BITS, HIGH_RUN);
  q = Quants(q.lo | (high.lo << vec4<u32>(LOW_BITS)), q.hi | (high.hi << vec4<u32>(LOW_BITS)));
#endif
  return q;
}
#endif

// Of the quants e to e + 7 of a block.
fn step_of(block: u32, e: u32) -> Step {
  let both = word(block + SCALES_AT);
  var s = Step(half(both), f32(ZERO), 0.0);
#if SCALES == half
  s.zero = half(both >> 16u);
#endif
#if SCALES == float
  s.size = bitcast<f32>(both);
  s.zero = bitcast<f32>(word(block + 4u));
#endif
#if SCALES == low
  s.low = -half(both >> 16u);
#endif
#if SCALES == K2
  let code = byte(block + e / 16u);
  s.size *= f32(code & 15u);
  s.low = half(both >> 16u) * f32(code >> 4u);
#endif
#if SCALES == K3
  let group = e / 16u;
  let low = (byte(block + CODES_AT + group % 8u) >> (group / 8u * 4u)) & 15u;
  let high = (byte(block + CODES_AT + 8u + group % 4u) >> (group / 4u * 2u)) & 3u;
  s.size *= f32(low | (high << 4u)) - 32.0;
#endif
#if SCALES == K4
  let at = block + CODES_AT + e / 32u % 4u;
  let first = byte(at);
  let second = byte(at + 4u);
  let third = byte(at + 8u);
  var codes = vec2<u32>(first & 63u, second & 63u);
  if (e >= 128u) {
    codes = vec2<u32>((third & 15u) | ((first >> 6u) << 4u), (third >> 4u) | ((second >> 6u) << 4u));
  }
  s.size *= f32(codes.x);
  s.low = half(both >> 16u) * f32(codes.y);
#endif
#if SCALES == K6
  s.size *= f32(bitcast<i32>(byte(block + CODES_AT + e / 16u) << 24u) >> 24u);
#endif
  return s;
}

// The weights 8i to 8i + 7 of a row.
#if INT8
struct Weights {
  q: vec2<u32>,
  s: Step,
}

fn weights(row: u32, i: u32) -> Weights {
  let block = (row * params.blocks + i / (BLOCK / 8u)) * BYTES;
  let e = i % (BLOCK / 8u) * 8u;
  var w = Weights(quants(block, e), step_of(block, e));
#if LOW_BITS == 8
  // As signed numbers, which some are already.
  w.s.zero -= 128.0;
#if !SIGNED
  w.q ^= vec2<u32>(0x80808080u);
#endif
#endif
  return w;
}
#else
fn weights(row: u32, i: u32) -> Eight {
  let block = (row * params.blocks + i / (BLOCK / 8u)) * BYTES;
  let e = i % (BLOCK / 8u) * 8u;
  let q = quants(block, e);
  let s = step_of(block, e);
  return Eight(s.size * (vec4<f32>(q.lo) - s.zero) - s.low, s.size * (vec4<f32>(q.hi) - s.zero) - s.low);
}
#endif
