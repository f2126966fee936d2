#include "cpu.hpp"

namespace haris {

bool has_clmul() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("pclmul") != 0;
#else
    return false;
#endif
}

const char* instruction_set() { return has_clmul() ? "clmul" : "portable"; }

}  // namespace haris
