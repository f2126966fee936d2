// Linear maps of octets for processors that look sixteen octets up at once.
#pragma once

#include "binary_field.hpp"

namespace haris {

// A linear map of octets as the images of the low and of the high nibble.
struct NibbleTables {
    alignas(16) std::uint8_t low[16], high[16];
};
constexpr NibbleTables nibble_tables(field::Columns columns) {
    NibbleTables tables{};
    for (unsigned nibble = 0; nibble < 16; ++nibble) {
        for (unsigned bit = 0; bit < 4; ++bit) {
            if (!((nibble >> bit) & 1)) continue;
            tables.low[nibble] ^= static_cast<std::uint8_t>(columns >> (8 * bit));
            tables.high[nibble] ^= static_cast<std::uint8_t>(columns >> (8 * bit + 32));
        }
    }
    return tables;
}

}  // namespace haris
