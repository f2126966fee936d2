// Ascending numbers on the wire: the gap to the one before, less 1, as LEB128.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace nanobind {
class module_;
}

namespace haris {

constexpr std::size_t kUnfit = ~std::size_t{0};

// Writes n numbers to out, which has 6 octets for each. Returns how many octets they take, or kUnfit unless they ascend
// strictly from 0 on by less than 2^42.
std::size_t pack_ascending(const std::int64_t* numbers, std::size_t n, std::uint8_t* out);

// How many of `count` numbers below `below` <= 2^62 stand in the octets, and where in them reading stopped: count and n when
// they are what pack_ascending writes, and nothing beside.
std::pair<std::size_t, std::size_t> unpack_ascending(const std::uint8_t* octets, std::size_t n, std::size_t count,
                                                     std::int64_t below, std::int64_t* numbers);

void bind_ascending(nanobind::module_& m);

}  // namespace haris
