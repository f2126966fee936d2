// What bzip2's coding of a sorted block comes to in bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace haris {

// Bits of one block of the stream whose last column of sorted rotations this is; at most 14 different characters.
std::size_t bzip2_block_bits(const std::vector<std::uint8_t>& column);

}  // namespace haris
