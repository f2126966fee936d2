// libFuzzer: settings, samples and cuts of the stream from the input, every path against counts sample by sample. To
// build and run it:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-psabi
//       native/sample_health.fuzz.cpp native/sample_health.cpp native/sample_health_{avx2,avx512}.cpp native/cpu.cpp
//       -o health_fuzz
//   ./health_fuzz -len_control=0 -max_len=4096 -max_total_time=600
#include "sample_health.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "fuzz_octets.hpp"

namespace {

struct Counted {
    std::vector<std::int64_t> rows;
    std::int64_t repetition = -1, proportion = -1, copied = -1;
    bool operator==(const Counted&) const = default;
};

template <class Code>
Counted plain(const std::vector<Code>& codes, const haris::HealthSettings& settings) {
    Counted counted;
    std::int64_t run = 0, same = 0, row[haris::kHealthRowWords] = {};
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        run = i && codes[i] == codes[i - 1] ? run + 1 : 1;
        if (run == settings.repetition_cutoff && counted.repetition < 0) counted.repetition = at;
        if (at % settings.proportion_window == 0) same = 0;
        same += codes[i] == codes[i - static_cast<std::size_t>(at % settings.proportion_window)];
        if (same >= settings.proportion_cutoff && counted.proportion < 0) counted.proportion = at;
        const std::int64_t off = codes[i] - (std::int64_t{1} << (settings.bits - 1));
        row[0] += off;
        row[1] += off * off;
        row[2] += codes[i] == 0;
        row[3] += codes[i] == (1 << settings.bits) - 1;
        if (i) row[4] |= codes[i] ^ codes[i - 1];
        if ((at + 1) % settings.window) continue;
        counted.rows.insert(counted.rows.end(), row, row + haris::kHealthRowWords);
        std::fill(row, row + haris::kHealthRowWords, 0);
    }
    return counted;
}

template <class Code>
Counted in_chunks(const std::vector<Code>& codes, const haris::HealthSettings& settings, haris::HealthPath<Code> path,
                  const std::vector<std::size_t>& ends) {
    Counted counted;
    haris::HealthState state{};
    std::vector<std::uint64_t> digests(2 * 64);
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
        const std::vector<Code> chunk(codes.begin() + static_cast<std::ptrdiff_t>(begin),
                                      codes.begin() + static_cast<std::ptrdiff_t>(end));
        const auto filled = static_cast<std::size_t>(state.filled), window = static_cast<std::size_t>(settings.window);
        std::vector<std::int64_t> rows((filled + chunk.size()) / window * haris::kHealthRowWords);
        const haris::HealthFailures found =
            path(chunk.data(), chunk.size(), settings, state, rows.data(), digests.data(), digests.size() / 2);
        counted.rows.insert(counted.rows.end(), rows.begin(), rows.end());
        const auto start = static_cast<std::int64_t>(begin);
        if (counted.repetition < 0 && found.repetition >= 0) counted.repetition = start + found.repetition;
        if (counted.proportion < 0 && found.proportion >= 0) counted.proportion = start + found.proportion;
        if (counted.copied < 0 && found.copied >= 0) counted.copied = start + found.copied;
        begin = end;
    }
    return counted;
}

// The window that ends there is one of those before it.
template <class Code>
bool is_copy(const std::vector<Code>& codes, std::int64_t last, std::int64_t window) {
    const auto begin = codes.begin() + (last + 1 - window);
    for (auto earlier = codes.begin(); earlier < begin; earlier += window)
        if (std::equal(begin, begin + window, earlier)) return true;
    return false;
}

template <class Code>
void count(haris::Octets& octets, const haris::HealthSettings& settings, haris::HealthPath<Code> haris::HealthPaths::*path) {
    std::vector<std::size_t> ends = octets.row<std::size_t>(3);
    const std::size_t n = octets.take<std::uint16_t>() % 8192, stride = 1 + octets.take<std::uint8_t>() % 8;
    const auto input = octets.row<Code>(octets.left() / sizeof(Code));
    std::vector<Code> codes(n);
    for (std::size_t i = 0; i < n; ++i)  // over and over, in runs of `stride`
        codes[i] = input.empty() ? Code{0} : static_cast<Code>(input[i / stride % input.size()] & ((1u << settings.bits) - 1));
    for (std::size_t& end : ends) end %= n + 1;
    ends.push_back(n);
    std::sort(ends.begin(), ends.end());
    Counted expected = plain(codes, settings);
    bool first = true;
    for (const haris::HealthPaths& paths : haris::health_paths()) {
        const Counted found = in_chunks(codes, settings, paths.*path, ends);
        if (first) expected.copied = found.copied;
        first = false;
        if (!(found == expected)) std::abort();
    }
    if (expected.copied >= 0 && !is_copy(codes, expected.copied, settings.proportion_window)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    haris::Octets octets(data, size);
    const unsigned kind = octets.take<std::uint8_t>() % 24;
    haris::HealthSettings settings{};
    settings.bits = kind < 8 ? kind + 1 : kind - 7;
    settings.repetition_cutoff = 4 + octets.take<std::uint16_t>() % (kind % 2 ? 16 : 1500);
    settings.proportion_cutoff = 1 + octets.take<std::uint16_t>() % 1100;
    settings.proportion_window = 128 << octets.take<std::uint8_t>() % 4;
    settings.window = settings.proportion_window * (1 + octets.take<std::uint8_t>() % 5);
    if (kind < 8)
        count<std::uint8_t>(octets, settings, &haris::HealthPaths::octets);
    else
        count<std::uint16_t>(octets, settings, &haris::HealthPaths::words);
    return 0;
}
