// The passes over samples, included once for each instruction set; HARIS_PEXT where BMI2 is there.
#pragma once

#include "pack_samples.hpp"

#if defined(HARIS_PEXT)
#include <immintrin.h>
#endif

namespace haris {
namespace {

// The samples of one word, moved together: lanes of 8, 16 and 32 bits are joined in pairs, each width once.
template <class Code, unsigned kBits>
std::uint64_t joined(std::uint64_t word) {
#if defined(HARIS_PEXT)
    std::uint64_t mask = 0;
    for (unsigned at = 0; at < 64; at += 8 * sizeof(Code)) mask |= ((std::uint64_t{1} << kBits) - 1) << at;
    return _pext_u64(word, mask);
#else
    unsigned filled = kBits;
    for (unsigned lane = 8 * sizeof(Code); lane < 64; lane *= 2, filled *= 2) {
        std::uint64_t low = 0;
        for (unsigned at = 0; at < 64; at += 2 * lane) low |= ((std::uint64_t{1} << lane) - 1) << at;
        word = (word & low) | ((word & ~low) >> (lane - filled));
    }
    return word;
#endif
}

template <class Code, unsigned kBits>
void pack(const Code* codes, std::size_t n, std::uint8_t* out) {
    constexpr std::size_t kSamples = 8 / sizeof(Code);
    constexpr unsigned kWordBits = kBits * kSamples;
    std::uint64_t pending = 0;
    unsigned filled = 0;
    std::size_t i = 0;
    // So many words fill whole words; their places in these are known to the compiler.
    constexpr unsigned kPeriod = 64 / std::gcd(64u, kWordBits);
    for (; i + kPeriod * kSamples <= n; i += kPeriod * kSamples) {
#pragma GCC unroll 16
        for (unsigned w = 0; w < kPeriod; ++w) {
            std::uint64_t word;
            std::memcpy(&word, codes + i + w * kSamples, 8);
            word = joined<Code, kBits>(word);
            const unsigned at = w * kWordBits % 64;
            pending |= word << at;
            if (at + kWordBits < 64) continue;
            std::memcpy(out, &pending, 8);
            out += 8;
            pending = at ? word >> 1 >> (63 - at) : 0;
        }
    }
    for (; i < n; ++i) {
        const std::uint64_t word = codes[i];
        pending |= word << filled;
        filled += kBits;
        if (filled >= 64) {
            std::memcpy(out, &pending, 8);
            out += 8;
            filled -= 64;
            pending = filled ? word >> (kBits - filled) : 0;
        }
    }
    if (filled) std::memcpy(out, &pending, (filled + 7) / 8);
}

template <class Code, unsigned kBits = 1>
void pack_of(const Code* codes, std::size_t n, unsigned bits, std::uint8_t* out) {
    if (bits == kBits) return pack<Code, kBits>(codes, n, out);
    if constexpr (kBits < 8 * sizeof(Code)) pack_of<Code, kBits + 1>(codes, n, bits, out);
}

}  // namespace
}  // namespace haris
