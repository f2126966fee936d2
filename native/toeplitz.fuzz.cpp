// libFuzzer: sizes and bits from the input, every path against the sum that defines the hash. To build and run it:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-psabi
//       native/toeplitz.fuzz.cpp native/toeplitz.cpp
//       native/toeplitz_{portable,avx2,avx512,gfni,vpclmul,pmull}.cpp native/cpu.cpp -o toeplitz_fuzz   (minutes a file)
//   ./toeplitz_fuzz -len_control=0 -max_len=4096 -max_total_time=600
#include "toeplitz.hpp"

#include <cstdlib>
#include <cstring>

namespace {

bool bit(const std::vector<std::uint8_t>& octets, std::size_t i) { return (octets[i / 8] >> (i % 8)) & 1; }

// So many octets on the heap, whose end a sanitizer guards, filled with the input over and over.
std::vector<std::uint8_t> drawn(std::size_t octets, const std::uint8_t* data, std::size_t size, std::size_t from) {
    std::vector<std::uint8_t> filled(octets);
    for (std::size_t i = 0; i < octets; ++i) filled[i] = size ? data[(from + i) % size] : 0;
    return filled;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::uint16_t sizes[3] = {};
    if (size < sizeof sizes) return 0;
    std::memcpy(sizes, data, sizeof sizes);
    data += sizeof sizes;
    size -= sizeof sizes;
    // Mostly short keys, so that cases are many; some that fill several units of rows.
    const std::size_t most = sizes[0] % 512 == 0 ? 400000 : sizes[0] % 16 < 14 ? 600 : 6000;
    const std::size_t n = 1 + sizes[0] * std::size_t{7} % most, m = 1 + sizes[1] % n, skip = sizes[2] % n;
    const auto key = drawn((n + 7) / 8, data, size, 0);
    const auto seed = drawn((n - skip + m + 6) / 8, data, size, key.size());
    std::vector<std::uint8_t> first, workspace(haris::toeplitz_workspace(n, skip, m));
    for (const haris::ToeplitzPath& path : haris::toeplitz_paths()) {
        std::vector<std::uint8_t> out((m + 7) / 8);
        haris::toeplitz(key.data(), n, skip, seed.data(), out.data(), m, path, workspace.data());
        for (const std::uint8_t octet : workspace)
            if (octet != 0) std::abort();
        if (first.empty()) first = out;
        if (out != first) std::abort();
    }
    for (std::size_t step = 0; step < 8; ++step) {
        const std::size_t i = step * (m - 1) / 7;
        bool sum = false;
        for (std::size_t j = skip; j < n; ++j) sum ^= bit(seed, n - 1 + i - j) && bit(key, j);
        if (sum != bit(first, i)) std::abort();
    }
    for (std::size_t i = m; i < 8 * first.size(); ++i)
        if (bit(first, i)) std::abort();
    return 0;
}
