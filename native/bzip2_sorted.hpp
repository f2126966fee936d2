// The rotations of a block of numbers in order, which is most of what bzip2 does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace haris {

// Numbers as they are written, each with the blank after it.
struct Written {
    std::uint8_t digits[4];
    std::uint8_t length;  // with the blank
};
const Written& written(std::uint8_t value);

// A block of text, read in a circle: whole numbers, and before them `joined`, the text around its ends up to the first
// blank; empty where the block begins and ends with whole numbers.
struct Block {
    const std::uint8_t* values;
    std::size_t n_values;
    std::string joined;
};

// Sorts rotations of blocks; its memory serves the next block again.
class SortedRotations {
  public:
    // The characters before the sorted rotations of a block that has a blank (Burrows and Wheeler 1994), a circle.
    const std::vector<std::uint8_t>& last_column(const Block& block);

  private:
    struct Suffix {
        std::uint64_t key;
        std::uint32_t number;
    };

    void rank_rests(const Block& block);
    void sort_numbers(std::size_t n);
    void settle_ties(std::size_t n, std::size_t known);

    std::vector<std::uint16_t> names_;  // of the numbers in a circle: a value, or kJoined
    std::vector<Suffix> suffixes_, others_;
    std::vector<std::uint32_t> ranks_;
    std::vector<std::uint8_t> column_;
    std::vector<std::uint16_t> rest_ranks_;    // by name and offset
    std::vector<std::uint16_t> number_ranks_;  // by name, among the names that come
    std::vector<std::size_t> rest_starts_;     // in the column, by rank
    unsigned n_names_ = 0;
};

}  // namespace haris
