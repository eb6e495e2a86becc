// Of each pair: whether `a` goes before `b`, which lies in front of it.
fn overtakes(a: vec4<T>, b: vec4<T>) -> vec4<bool> {
#if OP == min
#if LAST
  return a <= b;
#else
  return a < b;
#endif
#else
#if LAST
  return a >= b;
#else
  return a > b;
#endif
#endif
}

// Whether the element `a` at index `i` goes before `b` at `j`: the larger, or with OP == min the smaller; of equal ones the first, or with LAST the last.
fn precedes(a: T, i: u32, b: T, j: u32) -> bool {
  if (a == b) {
#if LAST
    return i > j;
#else
    return i < j;
#endif
  }
#if OP == min
  return a < b;
#else
  return a > b;
#endif
}
