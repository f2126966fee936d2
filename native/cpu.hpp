// What this processor can do, asked at run time.
#pragma once

namespace haris {

bool has_avx2();      // vectors of 256 bits of integers
bool has_avx512bw();  // vectors of 512 bits of integers of 8 and 16 bits
bool has_avx512();    // all of AVX-512 F, BW, DQ and VL
bool has_vbmi();      // octets of a vector of 512 bits moved anywhere (VBMI), and all of has_avx512
bool has_fast_pext(); // bits under a mask moved together in an instruction or three (BMI2), and POPCNT
bool has_clmul();     // carry-less multiplication (PCLMULQDQ)
bool has_vpclmul();   // carry-less multiplication in vectors (VPCLMULQDQ)
bool has_gfni();      // affine maps of octets (GFNI), and VPCLMULQDQ
bool has_pmull();     // arm64's carry-less multiplication

}  // namespace haris
