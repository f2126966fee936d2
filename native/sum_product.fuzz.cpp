// Feeds sum-product decoding with codes and beliefs from random octets, and stops where two paths differ:
//
//     clang++ -std=c++20 -g -O1 -ffp-contract=off -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//         native/sum_product.fuzz.cpp native/sum_product.cpp native/ldpc.cpp -o sum_product_fuzz
//     ./sum_product_fuzz -max_len=4096 -max_total_time=600
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ldpc_fuzz.hpp"
#include "sum_product.hpp"

namespace {

// Octets as they are, so that some are not numbers, or eighths.
std::vector<float> beliefs(haris::Octets& octets, std::size_t count, bool any) {
    std::vector<float> items(count);
    for (float& item : items) {
        if (any)
            item = octets.take<float>();
        else
            item = static_cast<float>(octets.take<std::int16_t>()) / 8.0F;
    }
    return items;
}

// Equal to the bit; a number that is none equals any other that is none.
bool same(const std::vector<float>& one, const std::vector<float>& other) {
    for (std::size_t i = 0; i < one.size(); ++i) {
        const bool nothing = one[i] != one[i] && other[i] != other[i];
        if (!nothing && std::memcmp(&one[i], &other[i], sizeof one[i]) != 0) return false;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace haris;
    Octets octets(data, size);
    const DrawnCode drawn(octets);
    const QuasiCyclic code = drawn.code();
    const std::size_t edges = drawn.column.size();
    if (ldpc_fault(code, edges)) return 0;
    const bool any = octets.take<std::uint8_t>() % 4 == 0;
    const std::size_t leaves = octets.take<std::uint8_t>() % (drawn.rows + 1);
    const auto leaf = beliefs(octets, leaves * drawn.lifting, any);
    const auto syndrome = octets.row<std::uint8_t>(drawn.rows * drawn.lifting);
    const auto posterior = beliefs(octets, drawn.columns * drawn.lifting, any);
    const std::vector<float> messages(edges * drawn.lifting);

    auto expected = posterior, expected_messages = messages;
    const int done = sum_product_decode(code, leaves, leaf.data(), syndrome.data(), expected.data(),
                                        expected_messages.data(), 3, LdpcPath::portable);
#if defined(__x86_64__)
    const bool has[] = {__builtin_cpu_supports("avx2") != 0, __builtin_cpu_supports("avx512bw") != 0};
    for (const LdpcPath path : {LdpcPath::avx2, LdpcPath::avx512}) {
        if (!has[path == LdpcPath::avx512]) continue;
        auto found = posterior, found_messages = messages;
        const int also = sum_product_decode(code, leaves, leaf.data(), syndrome.data(), found.data(),
                                            found_messages.data(), 3, path);
        if (also != done || !same(found, expected) || !same(found_messages, expected_messages)) std::abort();
    }
#endif
    return 0;
}
