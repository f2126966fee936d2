#include "toeplitz.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "cpu.hpp"
#include "wiped.hpp"

namespace haris {
namespace {

static_assert(std::endian::native == std::endian::little, "bits are read as little-endian words");

constexpr unsigned kMostLogRows = 16;  // as many rows as GF(2^16) has points
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLargePage = std::size_t{1} << 21;
constexpr unsigned kLogInner = 8;
constexpr std::size_t kPadding = 128;  // between units of rows, and between planes, lest they alias in the caches

using Buffer = std::unique_ptr<std::uint8_t[], decltype(&std::free)>;

// Large memory lies on large pages where the system has them: the passes over it have long strides. They are asked for
// afterwards, as memory so aligned from the start would not be kept by the allocator from call to call.
Buffer allocate(std::size_t octets) {
    octets = (octets + kAlignment - 1) / kAlignment * kAlignment;
    void* memory = std::aligned_alloc(kAlignment, octets);
    if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    const auto first = (reinterpret_cast<std::uintptr_t>(memory) + kLargePage - 1) / kLargePage * kLargePage;
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + octets) / kLargePage * kLargePage;
    if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
    return {static_cast<std::uint8_t*>(memory), &std::free};
}

std::uint8_t* aligned(std::uint8_t* memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    return memory + (kAlignment - address % kAlignment) % kAlignment;
}

// The least transform that holds the octets of key and of result. One more octet of the result is looked at, as bits 0
// to 6 of a product are those of the octet after; and the seed comes an octet late, as its products want it.
ToeplitzShape shape_for(std::size_t n, std::size_t skip, std::size_t m) {
    const std::size_t key_octets = (n - skip + 7) / 8, out_octets = (m + 7) / 8 + 1, octets = key_octets + out_octets;
    ToeplitzShape shape{};
    std::size_t rows = 0;
    for (const std::size_t words : {1, 2, 3, 4, 5, 6, 8, 12, 20}) {
        shape.words = words;
        rows = (octets + shape.row() - 1) / shape.row();
        if (rows <= std::size_t{1} << kMostLogRows) break;
    }
    const auto log_rows = static_cast<unsigned>(std::bit_width(rows - 1));
    shape.log_inner = std::min(kLogInner, log_rows - std::min(log_rows, 3u));
    shape.log_outer = log_rows - shape.log_inner;
    shape.units = shape.units_of(rows);
    shape.stride = shape.unit_octets() + (shape.in_two_storeys() ? kPadding : 0);
    shape.plane = shape.units * shape.stride + kPadding;
    shape.key_rows = (key_octets + shape.row() - 1) / shape.row();
    shape.out_rows = (out_octets + shape.row() - 1) / shape.row();
    return shape;
}

// Bits from..from + 63 of the n bits of key, zeros before skip and after the end.
std::uint64_t word_at(const std::uint8_t* key, std::size_t n, std::size_t skip, std::ptrdiff_t from) {
    std::uint64_t word = 0;
    if (from + 64 <= static_cast<std::ptrdiff_t>(skip)) return word;
    for (std::ptrdiff_t bit = 0; bit < 64; ++bit) {
        const std::ptrdiff_t at = from + bit;
        if (at < static_cast<std::ptrdiff_t>(skip) || at >= static_cast<std::ptrdiff_t>(n)) continue;
        word |= std::uint64_t{(key[at / 8] >> (at % 8)) & 1u} << bit;
    }
    return word;
}

// Row r gets the bits n - 8 D (r + 1) to n - 8 D r: octets are taken from the end, as the hash wants the key reversed,
// but neither the octets of a row nor the bits of an octet are reversed, as its products are transposed.
void place_key(const std::uint8_t* key, std::size_t n, std::size_t skip, const ToeplitzShape& shape,
               std::uint8_t* unit) {
    const auto row_bits = static_cast<std::ptrdiff_t>(8 * shape.row());
    const auto least = static_cast<std::ptrdiff_t>(skip), most = static_cast<std::ptrdiff_t>(n);
    const auto shift = static_cast<unsigned>(n % 8);
    std::ptrdiff_t from = most - row_bits;
    for (std::size_t u = 0; u < shape.units_of(shape.key_rows); ++u, unit += shape.stride)
        for (std::uint8_t* to = unit; to < unit + shape.unit_octets(); to += shape.row(), from -= row_bits) {
            if (from < least || from + row_bits + 8 > most) {
                for (std::size_t i = 0; i < shape.row(); i += 8) {
                    const std::uint64_t word = word_at(key, n, skip, from + static_cast<std::ptrdiff_t>(8 * i));
                    std::memcpy(to + i, &word, 8);
                }
            } else if (shift == 0) {
                std::memcpy(to, key + from / 8, shape.row());
            } else {
                const std::uint8_t* octets = key + from / 8;
                for (std::size_t i = 0; i < shape.row(); i += 8) {
                    std::uint64_t word;
                    std::memcpy(&word, octets + i, 8);
                    word = (word >> shift) | (std::uint64_t{octets[i + 8]} << (64 - shift));
                    std::memcpy(to + i, &word, 8);
                }
            }
        }
}

// The seed's octets behind `delay` zeros, and zeros after them.
void place_seed(const std::uint8_t* seed, std::size_t octets, std::size_t delay, const ToeplitzShape& shape,
                std::uint8_t* unit) {
    for (std::size_t u = 0; u < shape.units; ++u, unit += shape.stride, delay = 0) {
        const std::size_t taken = std::min(octets, shape.unit_octets() - delay);
        std::memset(unit, 0, delay);
        std::memcpy(unit + delay, seed, taken);
        std::memset(unit + delay + taken, 0, shape.unit_octets() - delay - taken);
        seed += taken;
        octets -= taken;
    }
}

// out[i] = upper[i] + lower[i + 1], where both are planes of units of rows. They are wiped.
void take_result(std::uint8_t* upper, const ToeplitzShape& shape, std::uint8_t* out, std::size_t octets) {
    for (std::size_t u = 0; u < shape.units_of(shape.out_rows); ++u, upper += shape.stride) {
        std::uint8_t* lower = upper + shape.plane;
        const std::size_t taken = std::min(octets, shape.unit_octets());
        const std::size_t inside = std::min(taken, shape.unit_octets() - 1);
        for (std::size_t i = 0; i < inside; ++i) out[i] = upper[i] ^ lower[i + 1];
        if (taken > inside) out[inside] = upper[inside] ^ (lower + shape.stride)[0];
        out += taken;
        octets -= taken;
        wipe(upper, shape.unit_octets());
        wipe(lower, shape.unit_octets());
    }
}

}  // namespace

std::vector<ToeplitzPath> toeplitz_paths() {
    std::vector<ToeplitzPath> paths;
#if defined(__x86_64__)
    if (has_clmul() && has_avx512() && has_gfni()) paths.push_back({"gfni", toeplitz_gfni});
    if (has_clmul() && has_avx512()) paths.push_back({"avx512", toeplitz_avx512});
    if (has_clmul() && has_avx2() && has_vpclmul()) paths.push_back({"vpclmul", toeplitz_vpclmul});
    if (has_clmul() && has_avx2()) paths.push_back({"avx2", toeplitz_avx2});
#elif defined(__aarch64__)
    if (has_pmull()) paths.push_back({"pmull", toeplitz_pmull});
#endif
    paths.push_back({"portable", toeplitz_portable});
    return paths;
}

std::size_t toeplitz_workspace(std::size_t n, std::size_t skip, std::size_t m) {
    return 4 * shape_for(n, skip, m).plane + kAlignment;
}

void toeplitz(const std::uint8_t* key, std::size_t n, std::size_t skip, const std::uint8_t* seed, std::uint8_t* out,
              std::size_t m, const ToeplitzPath& path, std::uint8_t* workspace) {
    const std::size_t out_octets = (m + 7) / 8, seed_octets = (n - skip + m + 6) / 8;
    const ToeplitzShape shape = shape_for(n, skip, m);
    // One piece of memory, so that the allocator keeps it from call to call: two planes of the key, two of the seed.
    const Buffer own = allocate(workspace == nullptr ? 4 * shape.plane : kAlignment);
    std::uint8_t *const a = workspace == nullptr ? own.get() : aligned(workspace), *const b = a + 2 * shape.plane;
    place_key(key, n, skip, shape, a);
    place_seed(seed, seed_octets, 1, shape, b);
    path.transforms(a, b, shape);
    take_result(b, shape, out, out_octets);
    if (m % 8) out[out_octets - 1] &= static_cast<std::uint8_t>((1u << m % 8) - 1);
}

}  // namespace haris
