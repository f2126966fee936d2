#include "cpu.hpp"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace haris {

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }
bool has_clmul() { return __builtin_cpu_supports("pclmul") != 0; }
bool has_avx512bw() { return __builtin_cpu_supports("avx512bw") != 0; }
bool has_avx512() {
    return has_avx512bw() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
bool has_vbmi() { return has_avx512() && __builtin_cpu_supports("avx512vbmi"); }
// The first processors of Zen, and Excavator, take hundreds of cycles for it.
bool has_fast_pext() {
    return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && !__builtin_cpu_is("znver1") &&
           !__builtin_cpu_is("znver2") && !__builtin_cpu_is("bdver4");
}
bool has_vpclmul() { return __builtin_cpu_supports("vpclmulqdq") != 0; }
bool has_gfni() { return __builtin_cpu_supports("gfni") && has_vpclmul(); }
#else
bool has_avx2() { return false; }
bool has_fast_pext() { return false; }
bool has_clmul() { return false; }
bool has_avx512bw() { return false; }
bool has_avx512() { return false; }
bool has_vbmi() { return false; }
bool has_vpclmul() { return false; }
bool has_gfni() { return false; }
#endif

#if defined(__aarch64__) && defined(__linux__)
bool has_pmull() { return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0; }
#elif defined(__aarch64__) && defined(__APPLE__)
bool has_pmull() { return true; }
#else
bool has_pmull() { return false; }
#endif

}  // namespace haris
