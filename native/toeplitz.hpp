// Toeplitz hashing over GF(2) for privacy amplification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace haris {

inline constexpr std::size_t kToeplitzMostBits = std::size_t{1} << 28;  // of key and of hash

struct ToeplitzShape;

// The transforms for one instruction set; the bits are the same for all. key and seed have two planes, of which the
// first holds octets to begin with. In the end the seed's planes hold bits 7 to 14 of each sum of products of octets
// and, shifted by one, bits 0 to 6.
struct ToeplitzPath {
    const char* name;
    void (*transforms)(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);
};

// Those that this processor can take, the fastest first; the last is portable.
std::vector<ToeplitzPath> toeplitz_paths();

// y[i] = sum over j from skip on of s[n - 1 + i - j] k[j]. Octets hold bits least significant first. key: n bits;
// seed: n - skip + m - 1 bits; out: m bits, its last octet padded with zeros. skip = 0 is the Toeplitz hash; skip = m is
// what T gives in the modified one, (I | T). Needs m >= 1, skip < n, and n and m up to kToeplitzMostBits.
// workspace: toeplitz_workspace(n, skip, m) octets, or nullptr for memory of its own; zeros are left in it.
void toeplitz(const std::uint8_t* key, std::size_t n, std::size_t skip, const std::uint8_t* seed, std::uint8_t* out,
              std::size_t m, const ToeplitzPath& path, std::uint8_t* workspace = nullptr);

std::size_t toeplitz_workspace(std::size_t n, std::size_t skip, std::size_t m);

// Where the octets of one transform lie: `units` of 2^log_inner rows of 64 words octets, each unit `stride` octets after
// the one before, and a second plane of them `plane` octets after the first. Rows of the key from key_rows on are zeros,
// and rows of the result from out_rows on are not wanted. At most 2^log_outer units.
struct ToeplitzShape {
    unsigned log_inner, log_outer;
    std::size_t units, words, stride, plane, key_rows, out_rows;
    std::size_t row() const { return 64 * words; }
    std::size_t unit_octets() const { return row() << log_inner; }
    std::size_t units_of(std::size_t rows) const { return (rows + (std::size_t{1} << log_inner) - 1) >> log_inner; }
    // More than 1024 rows: then units are of 256, and apart from each other in memory.
    bool in_two_storeys() const { return log_inner == 8; }
};

void toeplitz_portable(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);
void toeplitz_avx2(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);
void toeplitz_vpclmul(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);
void toeplitz_avx512(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);
void toeplitz_gfni(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);
void toeplitz_pmull(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape);

}  // namespace haris
