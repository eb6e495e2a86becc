/** In the reasons of those that may be wrong on another adapter than the tests', and in no other. */
export const thisAdapter = "this adapter's"

const race = `a data race on lanes whose value is no longer used: ${thisAdapter} order of invocations hides it`
const last = "nothing writes scratch after the last reduction, and its loop ends with a barrier"
const lone = "each invocation has the result, and all store the same"
const unstored = "only fills what is never stored; WebGPU's bounds checks make the read harmless"
const apart = "equal ones are told apart before"
const longer = "longer stretches for fewer invocations, the same sums"
const same = "an element that is held against itself stays where it is"

const tree = { "if (li < s) { → if (li <= s) {": race, "if (li < s) { → if (true) {": race }
const stride = "4u * WG; i < params.cols; i += 4u * WG) {"
const again = {
  [`for (var i = li + ${stride} → for (var i = li + ${stride.replace("<", "<=")}`]:
    "all four are the line's last element once more",
}
const unlocked = "return workgroupUniformLoad(&scratch[0]); → return scratch[0];"

const rowsBeyond = Object.fromEntries(
  ["params.m + 1u", "params.m - 0u"].map((most) => {
    const line = (end: string) => `let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(${end}));`
    return [`${line("params.m - 1u")} → ${line(most)}`, unstored]
  }),
)

/** Mutants that no case can catch, and why, by kernel. Whoever is caught must not be listed, and the other way round. */
export const survivors: Record<string, Record<string, string>> = {
  matmul: {
    "if (row < params.m && x < params.k) { → if (row <= params.m && x < params.k) {": unstored,
    "let isThere = x < params.k && col < params.n; → let isThere = x < params.k && col <= params.n;": unstored,
    ...Object.fromEntries(
      ["4u * col <= params.n", "4u + col < params.n", "1u * col < params.n"].map((most) => [
        `let isThere = x < 4u * params.k && 4u * col < params.n; → let isThere = x < 4u * params.k && ${most};`,
        unstored,
      ]),
    ),
    "for (var k0 = 0u; k0 < params.k; k0 += DEPTH) { → for (var k0 = 0u; k0 <= params.k; k0 += DEPTH) {":
      "one more slab of zeros",
    "let right = batch * params.b_batch + min(col, params.n - 1u) * params.b_col; → let right = batch * params.b_batch + min(col, params.n + 1u) * params.b_col;":
      unstored,
    "let right = batch * params.b_batch + min(col, params.n - 1u) * params.b_col; → let right = batch * params.b_batch + min(col, params.n - 0u) * params.b_col;":
      unstored,
    ...Object.fromEntries(
      [
        ["batch * params.a_batch + min(rows, vec4<u32>(params.m ", ")) * params.a_row;"],
        ["batch * params.b_batch + min(cols, vec4<u32>(params.n ", ")) * params.b_col;"],
        ["batch * params.b_batch + min(cols.x, params.n ", ") / 4u + next_four(0u) * params.b_row;"],
      ].flatMap(([head, tail]) =>
        ["+ 1u", "- 0u"].map((end) => [`return ${head}- 1u${tail} → return ${head}${end}${tail}`, unstored]),
      ),
    ),
    "for (var i = 0u; i < 4u; i++) { → for (var i = 0u; i <= 4u; i++) {": "the fifth of four is the fourth, once more",
    "if (SIDE == 2u) { → if (true) {": "what small blocks then compute beyond themselves is not stored",
    "for (var j = 0u; j < 4u; j++) { → for (var j = 0u; j <= 4u; j++) {": "the fifth of four is the fourth, once more",
    "for (var row = lid.y; row < 4u; row += WG_Y) { → for (var row = lid.y; row <= 4u; row += WG_Y) {":
      "the fifth of four is the fourth, once more",
    "for (var x0 = 0u; x0 < params.k; x0 += lanes) { → for (var x0 = 0u; x0 <= params.k; x0 += lanes) {":
      "once more, for no value",
    ...Object.fromEntries(
      ["let", "var"].flatMap((kind) =>
        ["params.n + 1u", "params.n - 0u"].map((most) => {
          const line = (end: string) =>
            `${kind} right = batch * params.b_batch + min(cols, vec4<u32>(${end})) * params.b_col;`
          return [`${line("params.n - 1u")} → ${line(most)}`, unstored]
        }),
      ),
    ),
    ...rowsBeyond,
  },
  "packed-matmul": {
    ...Object.fromEntries(
      ["params.n + 1u", "params.n - 0u"].flatMap((most) =>
        [
          ["let cols = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(", "));"],
          ["let near = min(cols, vec4<u32>(", "));"],
        ].map(([head, tail]) => [`${head}params.n - 1u${tail} → ${head}${most}${tail}`, unstored]),
      ),
    ),
    ...rowsBeyond,
    "if (li < s) { → if (li <= s) {": race,
    "if (li < s) { → if (true) {": race,
    ...Object.fromEntries(
      ["places.x <= end", "true"].map((guard) => [
        `if (places.x < end) { → if (${guard}) {`,
        "the first of four columns is always there",
      ]),
    ),
  },
  "kv-append": Object.fromEntries(
    ["i > params.elems", "false"].map((guard) => [
      `if (i >= params.elems) { → if (${guard}) {`,
      "behind the last sequence there is none that has a page",
    ]),
  ),
  "attention-merge": {
    "for (var split = 1u; split < params.splits; split++) { → for (var split = 1u; split <= params.splits; split++) {":
      "a maximum too many only scales sum and total alike",
  },
  attention: {
    "if (li < s) { → if (li <= s) {": race,
    "if (li < s) { → if (true) {": race,
    "for (var d = li; d < params.v_size; d += WG) { → for (var d = li; d <= params.v_size; d += WG) {":
      "one zero more, before anything is summed",
    "for (var first = split * params.chunk; first < end; first += WG) { → for (var first = split * params.chunk; first <= end; first += WG) {":
      "one more tile without keys",
    "let count = min(WG, end - first); → let count = min(WG, end + first);": "shares behind the last key are 0",
    "for (var r = 0u; r < 4u; r++) { → for (var r = 0u; r <= 4u; r++) {": "the fifth of four is the fourth, once more",
  },
  sample: {
    "if (li < s) { → if (li <= s) {": race,
    "if (li < s) { → if (true) {": race,
    "if (li == 0u) { → if (true) {": lone,
    "if (rank(x) >= from_rank) { → if (rank(x) > from_rank) {": "finds the rank below, which no number has",
    "let u = (f32(bits >> 9u) + 0.5) / 8388608.0; → let u = (f32(bits >> 9u) - 0.5) / 8388608.0;":
      "a draw that is off by 2^-23 changes one token in millions",
    "return -log(select(-log(1.0 - u), u, bits < 0x400000u)); → return -log(select(-log(1.0 - u), u, bits <= 0x400000u));":
      "there both are as good",
  },
  "leaky-relu": {
    "return select(params.alpha * v, v, v >= 0.0); → return select(params.alpha * v, v, v > 0.0);": "0 either way",
  },
  modulo: Object.fromEntries(
    [
      "return select(rest, rest + r, rest != T() && (rest <= T()) != (r < T()));",
      "return select(rest, rest + r, rest != T() && (rest < T()) != (r <= T()));",
    ].map((after) => [
      `return select(rest, rest + r, rest != T() && (rest < T()) != (r < T())); → ${after}`,
      "neither is 0 there",
    ]),
  ),
  pow: Object.fromEntries(
    [
      "if (l == 0.0) { → if (false) {",
      "if (l == 0.0) { → if (l == 0.5) {",
      "let size = pow(abs(l), r); → let size = pow((l), r);",
    ]
      .map((name) => [name, `${thisAdapter} pow has an answer where WGSL promises none`])
      .concat([
        [
          "return select(size, -size, l < 0.0 && abs(r) % 2.0 == 1.0); → return select(size, -size, l <= 0.0 && abs(r) % 2.0 == 1.0);",
          "a base of 0 has its answer already",
        ],
      ]),
  ),
  conv2d: {
    ...Object.fromEntries(
      [
        ["min(pixels, vec4<u32>(params.area ", "));"],
        ["min(pixels.x, params.area ", ") / 4u + next_four(0u) * params.area / 4u;"],
      ].flatMap(([head, tail]) =>
        ["+ 1u", "- 0u"].map((end) => [
          `return plane + ${head}- 1u${tail} → return plane + ${head}${end}${tail}`,
          unstored,
        ]),
      ),
    ),
    ...Object.fromEntries(
      ["+ 1u", "- 0u"].map((end) => {
        const line = (end: string) => `let next = min(at + 1u, arrayLength(&x) ${end});`
        return [`${line("- 1u")} → ${line(end)}`, unstored]
      }),
    ),
    ...Object.fromEntries(
      [
        ["last_out", "outs"],
        ["last", "group_outs"],
      ].flatMap(([name, count]) =>
        ["+ 1u", "- 0u"].map((end) => [
          `let ${name} = vec4<u32>(params.${count} - 1u); → let ${name} = vec4<u32>(params.${count} ${end});`,
          unstored,
        ]),
      ),
    ),
    "for (var i = 0u; i < 4u; i++) { → for (var i = 0u; i <= 4u; i++) {": "the fifth of four is the fourth, once more",
    "if (SIDE == 2u) { → if (true) {": "what small blocks then compute beyond themselves is not stored",
  },
  "conv-transpose2d": {
    ...Object.fromEntries(
      ["+ 1u", "- 0u"].map((end) => {
        const line = (end: string) =>
          `let maps = own * params.group_channels * params.group_outs + min(outs, vec4<u32>(params.group_outs ${end}));`
        return [`${line("- 1u")} → ${line(end)}`, unstored]
      }),
    ),
    "for (var i = 0u; i < 4u; i++) { → for (var i = 0u; i <= 4u; i++) {": "the fifth of four is the fourth, once more",
  },
  "packed-conv2d": {
    ...Object.fromEntries(
      ["+ 1u", "- 0u"].map((end) => [
        `let rows = first + min(outs, vec4<u32>(params.group_outs - 1u)); → let rows = first + min(outs, vec4<u32>(params.group_outs ${end}));`,
        unstored,
      ]),
    ),
    "for (var i = 0u; i < 4u; i++) { → for (var i = 0u; i <= 4u; i++) {": "the fifth of four is the fourth, once more",
    ...Object.fromEntries(
      ["places.x <= end", "true"].map((guard) => [
        `if (places.x < end) { → if (${guard}) {`,
        "the first of four pixels is always there",
      ]),
    ),
  },
  ...Object.fromEntries(
    ["sum", "mean", "prod", "max", "min", "l1", "l2", "sum-square", "log-sum", "log-sum-exp"].map((name) => [
      `reduce-${name}`,
      { ...tree, "if (li == 0u) { → if (true) {": lone, [unlocked]: last },
    ]),
  ),
  softmax: { ...tree, [unlocked]: last },
  "log-softmax": { ...tree, [unlocked]: last },
  "layer-norm": tree,
  "rms-norm": tree,
  "arg-max": { ...tree, ...again, "if (li == 0u) { → if (true) {": lone, "return i < j; → return i <= j;": same },
  "arg-min": {
    ...tree,
    ...again,
    "if (li == 0u) { → if (true) {": lone,
    "return i < j; → return i <= j;": same,
    "return a < b; → return a <= b;": apart,
  },
  "sort-merge": {
    "let end = min(place + UNIT, min(params.kept, lefts + rights)); → let end = min(place - UNIT, min(params.kept, lefts + rights));":
      "the first invocation of a pair writes all of it, and the others nothing",
    ...Object.fromEntries(
      ["+ 1u", "- 0u"].map((wrong) => [
        `let last = lefts + rights - 1u; → let last = lefts + rights ${wrong};`,
        "what is read behind a run is not taken, and WebGPU's own checks keep it in bounds",
      ]),
    ),
  },
  "cum-sum": {
    "let stretch = (params.cols + WG - 1u) / WG; → let stretch = (params.cols + WG + 1u) / WG;": longer,
    "let stretch = (params.cols + WG - 1u) / WG; → let stretch = (params.cols + WG - 1u) * WG;": longer,
    "let stretch = (params.cols + WG - 1u) / WG; → let stretch = (params.cols + WG - 0u) / WG;": longer,
    "let end = min(first + stretch, params.cols); → let end = min(first - stretch, params.cols);":
      "the first invocation goes through all of the line, and the others through nothing",
  },
  fft: {
    "for (var i = li; i < HELD; i += WG) { → for (var i = li; i <= HELD; i += WG) {":
      "one number more, where the first sums then go",
  },
  scatter: {
    ...Object.fromEntries(
      ["i > params.elems", "false"].map((guard) => [
        `if (i >= params.elems) { → if (${guard}) {`,
        "what lies behind the places of a case is no place in any y",
      ]),
    ),
    "for (var j = own; j < params.cols; j++) { → for (var j = own; j <= params.cols; j++) {":
      "the next line has none of this one's places",
  },
  "from-pixels": Object.fromEntries(
    ["y", "x"].flatMap((axis) =>
      [
        [`max(at_${axis} - params.reach_${axis}, 0.5)`, "0 either way"],
        [`min(at_${axis} - params.reach_${axis}, 0.0)`, "begins with pixels that are too far away to count"],
      ].map(([first, reason]) => [
        `let first_${axis} = u32(max(at_${axis} - params.reach_${axis}, 0.0)); → let first_${axis} = u32(${first});`,
        reason!,
      ]),
    ),
  ),
  transpose: Object.fromEntries(
    [
      "row0 + lid.y <= params.rows && col0 + lid.x < params.cols",
      "row0 + lid.y < params.rows && col0 + lid.x <= params.cols",
      "row0 + lid.y < params.rows || col0 + lid.x < params.cols",
      "true",
    ].map((guard) => [`if (row0 + lid.y < params.rows && col0 + lid.x < params.cols) { → if (${guard}) {`, unstored]),
  ),
}
