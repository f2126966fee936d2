#include "sum_product.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

namespace haris {

namespace {

constexpr std::size_t kLanes = 16, kMaxDegree = 256;
constexpr float kMost = 30.0F;           // messages beyond tell no more
constexpr float kSurest = 0.99999988F;   // the last float but one below 1: 2 artanh of it is 16.6
constexpr float kRound = 12582912.0F;    // 1.5 * 2^23: adding it rounds to a whole number
constexpr std::int32_t kRootHalf = 0x3F3504F3;

namespace portable {
#define HARIS_TARGET
#include "sum_product_rows.hpp"
#undef HARIS_TARGET
}  // namespace portable

#if defined(__x86_64__)
namespace avx2 {
#define HARIS_TARGET __attribute__((target("avx2")))
#include "sum_product_rows.hpp"
#undef HARIS_TARGET
}  // namespace avx2
namespace avx512 {
#if defined(__clang__)  // ignores the whole of a target that it does not know a part of
#define HARIS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define HARIS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#include "sum_product_rows.hpp"
#undef HARIS_TARGET
}  // namespace avx512
#endif

using Row = void (*)(std::size_t, std::size_t, const float*, float*, float*);
using Halves = void (*)(const float*, std::size_t, float*);

struct Path {
    Row row;
    Halves halves;
};

Path path_of(LdpcPath path) {
#if defined(__x86_64__)
    if (path == LdpcPath::avx512) return {avx512::row_of_checks, avx512::tanh_halves};
    if (path == LdpcPath::avx2) return {avx2::row_of_checks, avx2::tanh_halves};
#endif
    return {portable::row_of_checks, portable::tanh_halves};
}

// Whether every check of the rows from `first` on holds for the likelier bits.
bool holds(const QuasiCyclic& code, std::size_t first, const std::uint8_t* syndrome, const float* posterior) {
    const std::size_t lifting = code.lifting;
    std::vector<std::uint8_t> parity(lifting);
    for (std::size_t row = first; row < code.rows; ++row) {
        std::memcpy(parity.data(), syndrome + row * lifting, lifting);
        for (std::int32_t e = code.start[row]; e < code.start[row + 1]; ++e) {
            const float* const bits = posterior + static_cast<std::size_t>(code.column[e]) * lifting;
            const auto shift = static_cast<std::size_t>(code.shift[e]);
            for (std::size_t z = 0; z < lifting - shift; ++z) parity[z] ^= bits[z + shift] < 0.0F;
            for (std::size_t z = lifting - shift; z < lifting; ++z) parity[z] ^= bits[z + shift - lifting] < 0.0F;
        }
        if (std::any_of(parity.begin(), parity.end(), [](std::uint8_t p) { return p != 0; })) return false;
    }
    return true;
}

}  // namespace

int sum_product_decode(const QuasiCyclic& code, std::size_t leaves, const float* leaf, const std::uint8_t* syndrome,
                       float* posterior, float* messages, int iterations, LdpcPath path) {
    const std::size_t lifting = code.lifting;
    const Path run = path_of(path);
    std::vector<float> sure(code.rows * lifting, 1.0F);
    run.halves(leaf, leaves * lifting, sure.data());
    for (std::size_t i = 0; i < sure.size(); ++i)
        if (syndrome[i] != 0) sure[i] = -sure[i];
    std::size_t most = 0;
    for (std::size_t row = 0; row < code.rows; ++row)
        most = std::max(most, static_cast<std::size_t>(code.start[row + 1] - code.start[row]));
    std::vector<float> told(most * lifting);
    for (int iteration = 1; iteration <= iterations; ++iteration) {
        for (std::size_t row = 0; row < code.rows; ++row) {
            const auto first = static_cast<std::size_t>(code.start[row]);
            const std::size_t degree = static_cast<std::size_t>(code.start[row + 1]) - first;
            float* const of_row = messages + first * lifting;
            for (std::size_t e = 0; e < degree; ++e) {
                const float* const bits = posterior + static_cast<std::size_t>(code.column[first + e]) * lifting;
                const auto shift = static_cast<std::size_t>(code.shift[first + e]), split = lifting - shift;
                const float* const message = of_row + e * lifting;
                float* const v = told.data() + e * lifting;
                for (std::size_t z = 0; z < split; ++z) v[z] = bits[z + shift] - message[z];
                for (std::size_t z = split; z < lifting; ++z) v[z] = bits[z - split] - message[z];
            }
            run.row(degree, lifting, sure.data() + row * lifting, told.data(), of_row);
            for (std::size_t e = 0; e < degree; ++e) {
                float* const bits = posterior + static_cast<std::size_t>(code.column[first + e]) * lifting;
                const auto shift = static_cast<std::size_t>(code.shift[first + e]), split = lifting - shift;
                const float* const v = told.data() + e * lifting;
                std::copy(v, v + split, bits + shift);
                std::copy(v + split, v + lifting, bits);
            }
        }
        if (holds(code, leaves, syndrome, posterior)) return iteration;
    }
    return -1;
}

}  // namespace haris
