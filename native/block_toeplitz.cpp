#include "block_toeplitz.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "cpu.hpp"
#include "wiped.hpp"

namespace haris {
namespace {

static_assert(std::endian::native == std::endian::little, "bits are read as little-endian words");

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMostSumWords = 24;  // of a leaf's sums on any path

using Words = std::unique_ptr<std::uint64_t, void (*)(void*)>;

Words allocate(std::size_t words) {
    const std::size_t octets = (words * sizeof(std::uint64_t) + kAlignment - 1) / kAlignment * kAlignment;
    void* memory = std::aligned_alloc(kAlignment, octets);
    if (memory == nullptr) throw std::bad_alloc();
    return {static_cast<std::uint64_t*>(memory), &std::free};
}

std::size_t power_of_three(unsigned exponent) {
    std::size_t power = 1;
    for (unsigned i = 0; i < exponent; ++i) power *= 3;
    return power;
}

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// The levels with the fewest products of leaves, padding counted.
BlockToeplitzShape shape_for(std::size_t n, std::size_t m) {
    constexpr std::size_t kLeafBits = 64 * kLeafWords;
    BlockToeplitzShape best{};
    std::size_t fewest = ~std::size_t{0};
    for (unsigned levels = 0; levels <= kBlockToeplitzMostLevels; ++levels) {
        const std::size_t tile = kLeafBits << levels;
        const BlockToeplitzShape shape{n, m, levels, ceil_div(m, tile), ceil_div(n, tile)};
        const std::size_t products = shape.rows * shape.columns * shape.products();
        if (products < fewest) {
            fewest = products;
            best = shape;
        }
    }
    return best;
}

// Words of so many bits from bit `from` on, zeros behind them.
void take_bits(const std::uint8_t* octets, std::size_t from, std::size_t bits, std::uint64_t* words,
               std::size_t n_words) {
    const std::uint8_t* first = octets + from / 8;
    const auto shift = static_cast<unsigned>(from % 8);
    const std::size_t whole = bits / 64, rest = bits % 64;
    if (shift == 0) {
        std::memcpy(words, first, 8 * whole);
    } else {
        for (std::size_t i = 0; i < whole; ++i) {
            std::uint64_t word;
            std::memcpy(&word, first + 8 * i, 8);
            words[i] = word >> shift | std::uint64_t{first[8 * i + 8]} << (64 - shift);
        }
    }
    std::fill(words + whole, words + n_words, 0);
    if (rest == 0) return;
    std::uint8_t last[16] = {};
    std::memcpy(last, first + 8 * whole, (shift + rest + 7) / 8);
    std::uint64_t low, high;
    std::memcpy(&low, last, 8);
    std::memcpy(&high, last + 8, 8);
    const std::uint64_t word = shift ? low >> shift | high << (64 - shift) : low;
    words[whole] = word & ((std::uint64_t{1} << rest) - 1);
}

// Bits go behind those that are there, through one word that is not full.
class Appended {
  public:
    explicit Appended(std::uint8_t* to) : to_(to) {}
    void put(const std::uint64_t* words, std::size_t bits) {
        const std::size_t whole = bits / 64;
        const auto rest = static_cast<unsigned>(bits % 64);
        if (filled_ == 0) {
            std::memcpy(to_, words, 8 * whole);
        } else if (whole) {
            const unsigned filled = filled_;
            const std::uint64_t first = pending_ | words[0] << filled;
            std::memcpy(to_, &first, 8);
            for (std::size_t i = 1; i < whole; ++i) {
                const std::uint64_t word = words[i - 1] >> (64 - filled) | words[i] << filled;
                std::memcpy(to_ + 8 * i, &word, 8);
            }
            pending_ = words[whole - 1] >> (64 - filled);
        }
        to_ += 8 * whole;
        if (rest == 0) return;
        const std::uint64_t word = words[whole] & ((std::uint64_t{1} << rest) - 1);
        pending_ |= word << filled_;
        filled_ += rest;
        if (filled_ < 64) return;
        std::memcpy(to_, &pending_, 8);
        to_ += 8;
        filled_ -= 64;
        pending_ = word >> (rest - filled_ - 1) >> 1;
    }
    ~Appended() {
        if (filled_) std::memcpy(to_, &pending_, (filled_ + 7) / 8);
    }

  private:
    std::uint8_t* to_;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;
};

// A tile's seed, 2 words for each of its words: y_t = sum of low(s[W + t - b] k_b) + high(s[W - 1 + t - b] k_b). In the
// end a leaf has, for each word b of the key, the eight words that its first eight products take, and then for each b
// the one that the last product takes.
std::uint64_t* prepare(const std::uint64_t* seed, std::size_t words, std::uint64_t* leaves) {
    if (words == kLeafWords) {
        for (std::size_t b = 0; b < kLeafWords; ++b) {
            std::memcpy(leaves + kLeafWords * b, seed + kLeafWords - 1 - b, 8 * kLeafWords);
            leaves[kLeafWords * kLeafWords + b] = seed[2 * kLeafWords - 1 - b];
        }
        return leaves + kLeafSeedWords;
    }
    const std::size_t half = words / 2;
    const Words sum = allocate(words);
    // T0 + T1, T1, T1 + T2, in the order in which a key is spread: b, a + b, a.
    for (std::size_t i = 0; i < words; ++i) sum.get()[i] = seed[i] ^ seed[half + i];
    leaves = prepare(sum.get(), half, leaves);
    leaves = prepare(seed + half, half, leaves);
    for (std::size_t i = 0; i < words; ++i) sum.get()[i] = seed[half + i] ^ seed[words + i];
    leaves = prepare(sum.get(), half, leaves);
    wipe(sum.get(), 8 * words);
    return leaves;
}

}  // namespace

std::size_t BlockToeplitzShape::products() const { return power_of_three(levels); }

std::vector<BlockToeplitzPath> block_toeplitz_paths() {
    std::vector<BlockToeplitzPath> paths;
#if defined(__x86_64__)
    if (has_avx512() && has_vpclmul()) paths.push_back({"avx512", block_toeplitz_avx512});
    if (has_clmul() && has_avx2() && has_vpclmul()) paths.push_back({"vpclmul", block_toeplitz_vpclmul});
    if (has_clmul() && has_avx2()) paths.push_back({"clmul", block_toeplitz_clmul});
#elif defined(__aarch64__)
    if (has_pmull()) paths.push_back({"pmull", block_toeplitz_pmull});
#endif
    paths.push_back({"portable", block_toeplitz_portable});
    return paths;
}

BlockToeplitz::BlockToeplitz(const std::uint8_t* seed, std::size_t n, std::size_t m)
    : shape_(shape_for(n, m)), leaf_words_(0), leaves_(nullptr, &std::free) {
    const std::size_t tile_words = shape_.tile_leaves() * kLeafWords, tiles = shape_.rows + shape_.columns - 1;
    leaf_words_ = tiles * shape_.products() * kLeafSeedWords;
    leaves_ = allocate(leaf_words_);
    // The seed of the padded matrix, one bit late, so that product and result are aligned to words alike.
    const std::size_t words = (tiles + 1) * tile_words, late = 64 * shape_.in_words() - n + 1;
    const Words padded = allocate(words);
    std::fill(padded.get(), padded.get() + words, 0);
    for (std::size_t i = 0; i < n + m - 1; ++i)
        padded.get()[(i + late) / 64] |= std::uint64_t{(seed[i / 8] >> (i % 8)) & 1u} << (i + late) % 64;
    std::uint64_t* leaves = leaves_.get();
    for (std::size_t tile = 0; tile < tiles; ++tile)
        leaves = prepare(padded.get() + tile * tile_words, tile_words, leaves);
    wipe(padded.get(), 8 * words);
}

BlockToeplitz::~BlockToeplitz() { wipe(leaves_.get(), 8 * leaf_words_); }

void BlockToeplitz::hash(const std::uint8_t* in, std::size_t blocks, std::uint8_t* out,
                         const BlockToeplitzPath& path) const {
    const std::size_t in_words = shape_.in_words(), out_words = shape_.out_words();
    const std::size_t scratch_words = in_words + 2 * shape_.tile_leaves() * kMostSumWords;
    const std::size_t all = in_words + scratch_words + out_words;
    const Words memory = allocate(all);
    std::uint64_t *const block = memory.get(), *const scratch = block + in_words;
    std::uint64_t* const result = scratch + scratch_words;
    const bool whole_in = shape_.n == 64 * in_words && reinterpret_cast<std::uintptr_t>(in) % 8 == 0;
    const bool whole_out = shape_.m == 64 * out_words && reinterpret_cast<std::uintptr_t>(out) % 8 == 0;
    Appended appended(out);
    for (std::size_t i = 0; i < blocks; ++i) {
        if (!whole_in) take_bits(in, i * shape_.n, shape_.n, block, in_words);
        const auto* from = whole_in ? reinterpret_cast<const std::uint64_t*>(in) + i * in_words : block;
        auto* to = whole_out ? reinterpret_cast<std::uint64_t*>(out) + i * out_words : result;
        path.hash(from, leaves_.get(), shape_, scratch, to);
        if (!whole_out) appended.put(result, shape_.m);
    }
    wipe(memory.get(), 8 * all);
}

}  // namespace haris
