// libFuzzer: values from the input, over and over where they are to fill blocks, against libbz2 itself. To build and run
// it, with libbz2's header:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//       native/bzip2_length.fuzz.cpp native/bzip2_length.cpp native/bzip2_sorted.cpp native/bzip2_codes.cpp -lbz2
//       -o bzip2_fuzz
//   ./bzip2_fuzz -len_control=0 -max_len=4096 -max_total_time=600
#include "bzip2_length.hpp"

#include <bzlib.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "fuzz_octets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    haris::Octets octets(data, size);
    const auto kind = octets.take<std::uint8_t>();
    const auto more = octets.take<std::uint16_t>();
    const auto input = octets.row<std::uint8_t>(octets.left());
    if (input.empty()) return 0;
    // Mostly the input once; some that fill a block of 500 000 characters and begin another, where blocks are cut.
    const std::size_t n = kind < 250 ? input.size() : 124900 + 4 * std::size_t{more};
    std::vector<std::uint8_t> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = input[i % input.size()];
    std::string text;
    for (const std::uint8_t value : values) text += std::to_string(value) + ' ';
    text.pop_back();
    std::vector<char> made(text.size() + text.size() / 100 + 700);
    auto length = static_cast<unsigned>(made.size());
    if (BZ2_bzBuffToBuffCompress(made.data(), &length, text.data(), static_cast<unsigned>(text.size()), 5, 0, 0) != BZ_OK)
        std::abort();
    if (haris::bzip2_length(values.data(), n) != length) std::abort();
    return 0;
}
