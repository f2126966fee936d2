// libFuzzer: sizes, blocks and bits from the input, every path against the sum that defines the hash. To build and run it:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-psabi
//       native/block_toeplitz.fuzz.cpp native/block_toeplitz.cpp
//       native/block_toeplitz_{portable,avx512,vpclmul,clmul,pmull}.cpp native/cpu.cpp -o block_toeplitz_fuzz
//   ./block_toeplitz_fuzz -len_control=0 -max_len=4096 -max_total_time=600
#include "block_toeplitz.hpp"

#include <cstdlib>
#include <vector>

#include "fuzz_octets.hpp"

namespace {

bool bit(const std::vector<std::uint8_t>& octets, std::size_t i) { return (octets[i / 8] >> (i % 8)) & 1; }

// So many bits on the heap, whose end a sanitizer guards, filled with the input over and over.
std::vector<std::uint8_t> drawn(std::size_t bits, const std::vector<std::uint8_t>& input, std::size_t from) {
    std::vector<std::uint8_t> filled((bits + 7) / 8);
    for (std::size_t i = 0; i < filled.size(); ++i) filled[i] = input.empty() ? 0 : input[(from + i) % input.size()];
    return filled;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    haris::Octets octets(data, size);
    const auto sizes = octets.row<std::uint16_t>(3);
    const auto input = octets.row<std::uint8_t>(octets.left());
    // Mostly short blocks, so that cases are many; some that fill several tiles.
    const std::size_t most = sizes[0] % 128 == 0 ? haris::kBlockToeplitzMostBits : sizes[0] % 8 < 6 ? 1100 : 9000;
    const std::size_t n = 1 + sizes[0] * std::size_t{7} % most, m = 1 + sizes[1] % n, blocks = sizes[2] % 5;
    const auto seed = drawn(n + m - 1, input, 0), in = drawn(n * blocks, input, seed.size());
    const haris::BlockToeplitz matrix(seed.data(), n, m);
    std::vector<std::uint8_t> first;
    for (const haris::BlockToeplitzPath& path : haris::block_toeplitz_paths()) {
        std::vector<std::uint8_t> out((m * blocks + 7) / 8, 0xff);
        matrix.hash(in.data(), blocks, out.data(), path);
        if (first.empty()) first = out;
        if (out != first) std::abort();
    }
    for (std::size_t block = 0; block < blocks; ++block)
        for (std::size_t step = 0; step < 8; ++step) {
            const std::size_t i = step * (m - 1) / 7;
            bool sum = false;
            for (std::size_t j = 0; j < n; ++j) sum ^= bit(seed, n - 1 + i - j) && bit(in, block * n + j);
            if (sum != bit(first, block * m + i)) std::abort();
        }
    for (std::size_t i = m * blocks; i < 8 * first.size(); ++i)
        if (bit(first, i)) std::abort();
    return 0;
}
