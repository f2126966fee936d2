// libFuzzer: bits and samples from the input, both paths against a loop over bits. To build and run it:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//       native/pack_samples.fuzz.cpp native/pack_samples.cpp native/pack_samples_{bmi2,vbmi}.cpp native/cpu.cpp
//       -o pack_fuzz
//   ./pack_fuzz -len_control=0 -max_len=2048 -max_total_time=600
#include "pack_samples.hpp"

#include <cstdlib>
#include <vector>

#include "fuzz_octets.hpp"

namespace {

template <class Code>
void pack_both(haris::Octets& octets, unsigned bits) {
    auto codes = octets.row<Code>(octets.left() / sizeof(Code));
    for (Code& code : codes) code = static_cast<Code>(code & ((1u << bits) - 1));
    std::vector<std::uint8_t> expected((codes.size() * bits + 7) / 8);
    for (std::size_t i = 0; i < codes.size() * bits; ++i)
        expected[i / 8] = static_cast<std::uint8_t>(expected[i / 8] | (codes[i / bits] >> (i % bits) & 1u) << (i % 8));
    for (const bool portable : {false, true}) {
        std::vector<std::uint8_t> out(expected.size(), 0xff);
        haris::pack_samples(codes.data(), codes.size(), bits, out.data(), portable);
        if (out != expected) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    haris::Octets octets(data, size);
    const unsigned kind = octets.take<std::uint8_t>() % 24;
    if (kind < 8)
        pack_both<std::uint8_t>(octets, kind + 1);
    else
        pack_both<std::uint16_t>(octets, kind - 7);
    return 0;
}
