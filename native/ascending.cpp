#include "ascending.hpp"

#include <cstring>

namespace haris {
namespace {

constexpr unsigned kWidth = 6;  // octets of the widest gap, 42 bits
constexpr std::size_t kRun = 8;  // gaps of an octet each that are written, or read, together

// Writes kRun gaps of an octet each; false, and nothing to rely on, when one of them takes more. numbers[-1] is there.
bool short_gaps(const std::int64_t* numbers, std::uint8_t* to) {
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < kRun; ++k) {
        const std::uint64_t gap =
            static_cast<std::uint64_t>(numbers[k]) - static_cast<std::uint64_t>(numbers[std::ptrdiff_t(k) - 1]) - 1;
        to[k] = static_cast<std::uint8_t>(gap);
        all |= gap;
    }
    return all < 0x80;
}

// The next kRun numbers while their gaps take an octet each and they stay below `below`; false, and nothing to rely on, if
// not.
bool short_numbers(const std::uint8_t* octets, std::int64_t before, std::int64_t below, std::int64_t* numbers) {
    std::uint64_t eight;
    std::memcpy(&eight, octets, kRun);
    if ((eight & 0x8080808080808080) != 0) return false;
    for (std::size_t k = 0; k < kRun; ++k) numbers[k] = before += octets[k] + 1;
    return before < below;
}

}  // namespace

std::size_t pack_ascending(const std::int64_t* numbers, std::size_t n, std::uint8_t* out) {
    std::uint8_t* to = out;
    std::int64_t before = -1;
    for (std::size_t i = 0; i < n;) {
        std::uint64_t gap = static_cast<std::uint64_t>(numbers[i]) - static_cast<std::uint64_t>(before) - 1;
        if (gap >> 7 * kWidth) return kUnfit;
        const bool is_short = gap < 0x80;
        for (; gap >= 0x80; gap >>= 7) *to++ = static_cast<std::uint8_t>(gap) | 0x80;
        *to++ = static_cast<std::uint8_t>(gap);
        ++i;
        if (is_short)  // so may be those that follow
            for (; i + kRun <= n && short_gaps(numbers + i, to); i += kRun) to += kRun;
        before = numbers[i - 1];
    }
    return static_cast<std::size_t>(to - out);
}

std::pair<std::size_t, std::size_t> unpack_ascending(const std::uint8_t* octets, std::size_t n, std::size_t count,
                                                     std::int64_t below, std::int64_t* numbers) {
    std::size_t at = 0;
    std::int64_t before = -1;
    for (std::size_t i = 0; i < count;) {
        std::uint64_t gap = 0;
        const std::size_t first = at;
        for (unsigned width = 0;; ++width) {
            if (at == n || width == kWidth) return {i, first};
            const std::uint8_t octet = octets[at++];
            gap |= static_cast<std::uint64_t>(octet & 0x7F) << 7 * width;
            if (octet < 0x80) {
                if (width > 0 && octet == 0) return {i, first};  // not the shortest form
                break;
            }
        }
        before += static_cast<std::int64_t>(gap) + 1;
        if (before >= below) return {i, first};
        numbers[i++] = before;
        if (gap < 0x80)  // so may be those that follow
            for (; i + kRun <= count && at + kRun <= n && short_numbers(octets + at, before, below, numbers + i);
                 i += kRun, at += kRun)
                before = numbers[i + kRun - 1];
    }
    return {count, at};
}

}  // namespace haris
