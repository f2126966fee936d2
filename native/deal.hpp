// A frame of samples, row behind row, dealt to blocks: each block takes one sample of every row, at a place that the
// row's turn shifts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

// out[b][r] = frame[r][(first + b + turns[r]) mod columns] for `blocks` blocks b, r below rows; each turn below
// columns, and first + blocks no more than columns. Returns whether a sample of these is 0 or `last`.
template <typename Code>
bool deal(const Code* frame, std::size_t rows, std::size_t columns, const std::uint32_t* turns, std::size_t first,
          std::size_t blocks, Code last, Code* out);

void bind_deal(nanobind::module_& module);

}  // namespace haris
