// What this processor can do, asked once at run time.
#pragma once

namespace haris {

// True when carry-less multiplication (PCLMULQDQ) may be used.
bool has_clmul();

// "clmul" or "portable": the path that the kernels take on this processor.
const char* instruction_set();

}  // namespace haris
