// T: the type of a kernel's elements, and the least there is of it.
#if T == float32
alias T = f32;
const LEAST = -0x1.fffffep+127f;
#endif
#if T == int32
alias T = i32;
const LEAST = i32(-2147483648);
#endif
#if T == uint32
alias T = u32;
const LEAST = 0u;
#endif
