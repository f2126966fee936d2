// Vectors of samples and what is counted of them, 64 octets wide with HARIS_HEALTH_512, 32 with HARIS_HEALTH_256, else 16:
// included once for each instruction set, after its HARIS_TARGET_BEGIN.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace haris {
namespace {

#if defined(HARIS_HEALTH_512)
constexpr std::size_t kLaneOctets = 64;
#elif defined(HARIS_HEALTH_256)
constexpr std::size_t kLaneOctets = 32;
#else
constexpr std::size_t kLaneOctets = 16;
#endif

template <class Int>
struct LanesOf {
    typedef Int type __attribute__((vector_size(kLaneOctets)));
};
template <class Int>
using Lanes = typename LanesOf<Int>::type;

template <class Int>
Lanes<Int> load_lanes(const void* from) {
    Lanes<Int> lanes;
    std::memcpy(&lanes, from, sizeof lanes);
    return lanes;
}

template <class Sum, class Int>
Sum sum_of_lanes(Lanes<Int> lanes) {
    Sum sum = 0;
    for (std::size_t i = 0; i < kLaneOctets / sizeof(Int); ++i) sum = static_cast<Sum>(sum + static_cast<Sum>(lanes[i]));
    return sum;
}

template <class Int>
Int or_of_lanes(Lanes<Int> lanes) {
    std::uint64_t words[kLaneOctets / 8], all = 0;
    std::memcpy(words, &lanes, sizeof words);
    for (const std::uint64_t word : words) all |= word;
    for (unsigned shift = 32; shift >= 8 * sizeof(Int); shift /= 2) all |= all >> shift;
    return static_cast<Int>(all);
}

// a0 b0 + a1 b1 of each pair of lanes.
inline Lanes<std::int32_t> pair_products(Lanes<std::int16_t> a, Lanes<std::int16_t> b) {
#if defined(HARIS_HEALTH_512)
    return (Lanes<std::int32_t>)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(HARIS_HEALTH_256)
    return (Lanes<std::int32_t>)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
    return (Lanes<std::int32_t>)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    const auto x = (Lanes<std::int32_t>)a, y = (Lanes<std::int32_t>)b;
    const auto low = (Lanes<std::uint32_t>)((x << 16 >> 16) * (y << 16 >> 16));
    return (Lanes<std::int32_t>)(low + (Lanes<std::uint32_t>)((x >> 16) * (y >> 16)));
#endif
}

// The product of the lower halves of each lane.
inline Lanes<std::uint64_t> low_products(Lanes<std::uint64_t> a, Lanes<std::uint64_t> b) {
#if defined(HARIS_HEALTH_512)
    return (Lanes<std::uint64_t>)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(HARIS_HEALTH_256)
    return (Lanes<std::uint64_t>)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
    return (Lanes<std::uint64_t>)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

// How often lanes were equal; of 255 vectors of octets at most.
template <class Code>
class EqualCount {
  public:
    void add(Lanes<Code> a, Lanes<Code> b) {
#if defined(HARIS_HEALTH_512)
        if constexpr (sizeof(Code) == 1)
            equal_ += std::popcount(std::uint64_t{_mm512_cmpeq_epi8_mask((__m512i)a, (__m512i)b)});
        else
            equal_ += std::popcount(std::uint32_t{_mm512_cmpeq_epi16_mask((__m512i)a, (__m512i)b)});
#else
        equal_ -= (Lanes<Code>)(a == b);
#endif
    }
    std::int64_t total() const {
#if defined(HARIS_HEALTH_512)
        return equal_;
#else
        return sum_of_lanes<std::int64_t, Code>(equal_);
#endif
    }

  private:
#if defined(HARIS_HEALTH_512)
    std::int64_t equal_ = 0;
#else
    Lanes<Code> equal_{};
#endif
};

// Sum and sum of squares of code less centre(), of up to 32 windows of kHealthMostProportion codes. kWide: codes of more
// than 12 bits, whose squares are summed in 64 bits at once; narrower ones fit in 32 bits for a window.
template <class Code, bool kWide>
class Moments {
  public:
    explicit Moments(unsigned bits) : centre_(bits == 16 ? 1 << 15 : 0) {}

    void add(Lanes<Code> codes) {
        if constexpr (sizeof(Code) == 1) {
            const auto pairs = (Lanes<std::uint16_t>)codes;
            const auto even = (Lanes<std::int16_t>)(pairs & 0xff), odd = (Lanes<std::int16_t>)(pairs >> 8);
            window_sum_ += even + odd;
            window_squares_ += (Lanes<std::uint32_t>)(pair_products(even, even) + pair_products(odd, odd));
        } else {
            const auto off = (Lanes<std::int16_t>)(codes ^ static_cast<std::uint16_t>(centre_));
            sum_ += pair_products(off, ones());
            const auto squares = (Lanes<std::uint32_t>)pair_products(off, off);
            if constexpr (kWide)
                widen(squares);
            else
                window_squares_ += squares;
        }
    }

    void end_of_window() {
        if constexpr (sizeof(Code) == 1) {
            sum_ += pair_products(window_sum_, ones());
            window_sum_ = Lanes<std::int16_t>{};
        }
        if constexpr (!kWide) {
            widen(window_squares_);
            window_squares_ = Lanes<std::uint32_t>{};
        }
    }

    std::int64_t centre() const { return centre_; }
    std::int64_t sum() const { return sum_of_lanes<std::int64_t, std::int32_t>(sum_); }
    std::int64_t squares() const {
        const auto high = sum_of_lanes<std::uint64_t, std::uint64_t>(high_);
        return static_cast<std::int64_t>(sum_of_lanes<std::uint64_t, std::uint64_t>(all_) - (high << 32) + high);
    }

  private:
    static Lanes<std::int16_t> ones() { return Lanes<std::int16_t>{} + std::int16_t{1}; }

    // Both halves of each word: modulo 2^64, the lower ones are what is left without the upper ones.
    void widen(Lanes<std::uint32_t> squares) {
        const auto words = (Lanes<std::uint64_t>)squares;
        all_ += words;
        high_ += words >> 32;
    }

    const int centre_;
    Lanes<std::int32_t> sum_{};
    Lanes<std::int16_t> window_sum_{};
    Lanes<std::uint32_t> window_squares_{};
    Lanes<std::uint64_t> all_{}, high_{};
};

}  // namespace
}  // namespace haris
