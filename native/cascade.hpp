// Cascade over packed words: many frames, and the search for errors that both parties of the protocol carry out alike.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

// What both parties agree on. A frame has n_words words of 64 bits; pass p cuts it into blocks of 2^levels[p] bits in
// the order of the butterfly whose masks are the rows rows[p] to rows[p + 1]. Needs 1 <= levels[p] and at least two
// blocks in a frame: the only one of a later pass would ask for nothing, which looks like the end of the search.
struct CascadePlan {
    std::size_t n_frames, n_passes, n_words;
    const std::int32_t* levels;
    const std::int32_t* rows;
    const std::uint64_t* masks;
};

// Where the search stands. For every frame and pass: bits, this party's bits in the order of the pass; starts and odd, a
// one at the first bit of each known node, and of each that is odd; marks, a one for each word of odd that may be other
// than zero (mark_words(n_words) words); live, the number of odd nodes. For every frame:
// opened, passes that are under way; working, the pass whose nodes are being halved, or else the pass up to which the
// next ones are to open; n_nodes, how many nodes are being halved, and begins and ends, where they lie (room for
// capacity nodes).
struct CascadeSearch {
    static std::size_t mark_words(std::size_t n_words) { return (n_words + 63) / 64; }

    std::uint64_t* bits;
    std::uint64_t* starts;
    std::uint64_t* odd;
    std::uint64_t* marks;
    std::int32_t* live;
    std::int32_t* opened;
    std::int32_t* working;
    std::int32_t* n_nodes;
    std::uint32_t* begins;
    std::uint32_t* ends;
    std::size_t capacity;
};

// Whether this processor has the path with AVX2; portable, below, forbids it.
bool cascade_is_wide();

// Decides the next step of every frame. Returns how many parities it asks for; 0: the search has ended.
std::size_t cascade_decide(const CascadePlan& plan, CascadeSearch& search, bool portable);

// The same number again, of a step already decided.
std::size_t cascade_due(const CascadePlan& plan, const CascadeSearch& search);

// This party's parities for the step decided, one bit each, the least significant of an octet first; the last octet is
// padded with zeros. Fills in the bits of passes that open, and changes nothing else.
void cascade_ask(const CascadePlan& plan, CascadeSearch& search, std::uint8_t* parities, bool portable);

// Takes in the parities of the errors of everything that was asked for. correct: flip the bits that prove wrong.
// False, with the search left half-way, where no errors have such parities.
bool cascade_learn(const CascadePlan& plan, CascadeSearch& search, const std::uint8_t* errors, bool correct,
                   bool portable);

void bind_cascade(nanobind::module_& module);

}  // namespace haris
