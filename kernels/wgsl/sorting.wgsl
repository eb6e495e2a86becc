// Where along x a line of `length` elements begins, which lie params.inner apart.
fn line_of(row: u32, length: u32) -> u32 {
  return row / params.inner * length * params.inner + row % params.inner;
}

// A word of x as a key, the lowest of which goes first: that of the largest number, or with OP == min of the least. −0 is as large as 0, and what is no number is
// larger than any. Whole numbers are compared, so that nothing depends on what a compiler takes for granted of others.
fn sort_key(word: u32) -> u32 {
  var key = word;
#if T == float32
  let size = word & 0x7fffffffu;
  key = select(0x80000000u + size, 0x80000000u - size, word > size);
  key = select(key, 0xffffffffu, size > 0x7f800000u);
#endif
#if T == int32
  key = word ^ 0x80000000u;
#endif
#if OP == min
  return key;
#else
  return ~key;
#endif
}
