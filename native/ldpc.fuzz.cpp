// Feeds the LDPC kernels with codes and states from random octets, and stops where two paths differ:
//
//     clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//         native/ldpc.fuzz.cpp native/ldpc.cpp -o ldpc_fuzz
//     ./ldpc_fuzz -max_len=4096 -max_total_time=600
#include <cstdlib>
#include <vector>

#include "ldpc_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace haris;
    Octets octets(data, size);
    const DrawnCode drawn(octets);
    const std::size_t rows = drawn.rows, columns = drawn.columns, lifting = drawn.lifting;
    const bool wild = drawn.wild;
    const std::size_t edges = drawn.column.size();
    const QuasiCyclic code = drawn.code();
    if (ldpc_fault(code, edges)) return 0;

    const auto bits = octets.row<std::uint8_t>(columns * lifting);
    std::vector<std::uint8_t> parities(rows * lifting);
    ldpc_syndrome(code, bits.data(), parities.data());
    const auto weight = octets.row<std::uint16_t>(32);
    auto level = octets.row<std::int16_t>(64);
    for (std::int16_t& l : level) l &= 127;
    auto posterior = octets.row<std::int16_t>(columns * lifting);
    if (!wild)
        for (std::int16_t& bit : posterior) bit /= 2;
    const auto messages = octets.row<std::int8_t>(edges * lifting);
    if (ldpc_overflow(code, posterior.data())) return 0;

    auto expected = posterior;
    auto expected_messages = messages;
    const int done = ldpc_decode(code, parities.data(), weight.data(), level.data(), expected.data(),
                                 expected_messages.data(), 3, LdpcPath::portable);
#if defined(__x86_64__)
    const bool has[] = {__builtin_cpu_supports("avx2") != 0, __builtin_cpu_supports("avx512bw") != 0};
    for (const LdpcPath path : {LdpcPath::avx2, LdpcPath::avx512}) {
        if (!has[path == LdpcPath::avx512]) continue;
        auto found = posterior;
        auto found_messages = messages;
        const int also = ldpc_decode(code, parities.data(), weight.data(), level.data(), found.data(),
                                     found_messages.data(), 3, path);
        if (also != done || found != expected || found_messages != expected_messages) std::abort();
    }
#endif
    return 0;
}
