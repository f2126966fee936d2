// What the fuzzers of LDPC kernels share: codes from random octets.
#pragma once

#include <vector>

#include "fuzz_octets.hpp"
#include "ldpc.hpp"

namespace haris {

// One code in eight is left as it is drawn, and mostly refused; the others are made to fit.
struct DrawnCode {
    explicit DrawnCode(Octets& octets) : rows(1 + octets.take<std::uint8_t>() % 6), columns(2 + octets.take<std::uint8_t>() % 12) {
        wild = octets.take<std::uint8_t>() % 8 == 0;
        lifting = octets.take<std::uint8_t>() % 130;
        if (!wild) lifting = 32 * (1 + lifting % 4);
        start.resize(rows + 1);
        for (std::size_t r = 0; r < rows; ++r) {
            const std::size_t degree =
                wild ? octets.take<std::uint8_t>() % 20 : 2 + octets.take<std::uint8_t>() % (columns - 1);
            const std::size_t first = octets.take<std::uint8_t>();
            for (std::size_t e = 0; e < degree; ++e) {
                column.push_back(wild ? octets.take<std::int32_t>() % 16 : static_cast<std::int32_t>((first + e) % columns));
                const std::int32_t turned = octets.take<std::uint8_t>();
                shift.push_back(wild ? turned - 8 : turned % static_cast<std::int32_t>(lifting));
            }
            start[r + 1] = wild ? octets.take<std::int8_t>() : static_cast<std::int32_t>(column.size());
        }
    }
    QuasiCyclic code() const { return {start.data(), column.data(), shift.data(), rows, columns, lifting}; }

    std::size_t rows, columns, lifting = 0;
    bool wild = false;
    std::vector<std::int32_t> start, column, shift;
};

}  // namespace haris
