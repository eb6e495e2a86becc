fn next_four(first: u32) -> vec4<u32> {
  return vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
}
