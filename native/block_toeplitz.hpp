// One Toeplitz matrix over GF(2), applied to block after block of a stream of bits.
//
// The matrix is prepared once. It is cut into square tiles of 2^levels leaves of 512 x 512 bits. Within a tile a
// half-sized Toeplitz product is saved at each level: with T = [T1 T0; T2 T1] and k = [a; b],
//     T k = [(T0 + T1) b + T1 (a + b); T1 (a + b) + (T1 + T2) a],
// of which the sums of T are made beforehand (S. Winograd, Arithmetic Complexity of Computations, SIAM 1980, ch. V).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nanobind {
class module_;
}

namespace haris {

inline constexpr std::size_t kBlockToeplitzMostBits = std::size_t{1} << 16;  // of a block
inline constexpr unsigned kBlockToeplitzMostLevels = 7;  // of tiles: 2^16 bits
inline constexpr std::size_t kLeafWords = 8;
inline constexpr std::size_t kLeafSeedWords = kLeafWords * (kLeafWords + 1);

struct BlockToeplitzShape {
    std::size_t n, m;  // bits of a block, and of what is made of it
    unsigned levels;
    std::size_t rows, columns;  // of tiles
    std::size_t tile_leaves() const { return std::size_t{1} << levels; }
    std::size_t products() const;  // of leaves, in a tile: 3^levels
    std::size_t in_words() const { return columns * tile_leaves() * kLeafWords; }
    std::size_t out_words() const { return rows * tile_leaves() * kLeafWords; }
};

// blocks of in_words() words, of which those behind n bits are zeros, to as many of out_words() words.
// leaves: of each leaf of the seed, kLeafWords + 1 vectors of kLeafWords words; see
// block_toeplitz.cpp. scratch: in_words() words and 2^(levels + 1) leaves' sums.
struct BlockToeplitzPath {
    const char* name;
    void (*hash)(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                 std::uint64_t* scratch, std::uint64_t* out);
};

// Those that this processor can take, the fastest first; the last is portable.
std::vector<BlockToeplitzPath> block_toeplitz_paths();

void block_toeplitz_avx512(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                           std::uint64_t* scratch, std::uint64_t* out);
void block_toeplitz_vpclmul(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                            std::uint64_t* scratch, std::uint64_t* out);
void block_toeplitz_clmul(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                          std::uint64_t* scratch, std::uint64_t* out);
void block_toeplitz_pmull(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                          std::uint64_t* scratch, std::uint64_t* out);
void block_toeplitz_portable(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                             std::uint64_t* scratch, std::uint64_t* out);

class BlockToeplitz {
  public:
    // seed: n + m - 1 bits, the least significant of an octet first. Needs 1 <= m <= n <= kBlockToeplitzMostBits.
    BlockToeplitz(const std::uint8_t* seed, std::size_t n, std::size_t m);
    ~BlockToeplitz();
    BlockToeplitz(const BlockToeplitz&) = delete;
    BlockToeplitz& operator=(const BlockToeplitz&) = delete;

    // y[i] = sum_j s[n - 1 + i - j] k[j] of each of `blocks` blocks, which lie bit behind bit in `in`, as their results
    // do in `out`; unused bits of its last octet are zeros.
    void hash(const std::uint8_t* in, std::size_t blocks, std::uint8_t* out, const BlockToeplitzPath& path) const;

    const BlockToeplitzShape& shape() const { return shape_; }

  private:
    BlockToeplitzShape shape_;
    std::size_t leaf_words_;
    std::unique_ptr<std::uint64_t, void (*)(void*)> leaves_;
};

void bind_block_toeplitz(nanobind::module_& module);

}  // namespace haris
