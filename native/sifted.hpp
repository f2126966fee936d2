// Sifting of packed bits: which clicks both ends keep, and what they keep of them, in one sweep.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bit_rows.hpp"
#include "light.hpp"

namespace nanobind {
class module_;
}

namespace haris {

// As an octet of a recording.
HARIS_INLINE std::uint8_t octet_of(const Setting& setting) {
    return static_cast<std::uint8_t>(setting.bit | setting.basis << 1 | setting.intensity << 2);
}

// Settings of pulses prepared under a key, the first of which is number `start`.
struct Keyed {
    Preparation prepared;
    std::int64_t start;

    HARIS_INLINE std::uint8_t operator()(std::int64_t number) const {
        return octet_of(prepared.at(static_cast<std::uint64_t>(start) + static_cast<std::uint64_t>(number)));
    }
};

// Settings that were recorded, an octet a pulse: bit, basis, and two bits of the intensity's index from the lowest on.
struct Recorded {
    const std::uint8_t* settings;

    HARIS_INLINE std::uint8_t operator()(std::int64_t number) const { return settings[number]; }
};

// What Alice keeps and tells of n clicks; each row has room for n bits as RowWriter asks for it, low for 2 n.
struct SentRows {
    std::uint8_t* high_bits;  // where `high` writes
    RowWriter kept, low, high, test_bits, key_bits;
};

// n clicks of Bob at these pulses, with a bit each of bob_basis. clicks[8]: by basis and intensity, added to. portable: on
// the path that every processor has. Returns how many clicks are kept; the high bits of their intensities stand behind all
// the low ones, too, as they cross the wire.
std::size_t sift_sent(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis, const Keyed& keyed,
                      const SentRows& rows, std::uint64_t* clicks, bool portable);
std::size_t sift_sent(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis, const Recorded& recorded,
                      const SentRows& rows, std::uint64_t* clicks, bool portable);

// What Bob is told, and has: n clicks. n_kept: ones of kept. intensities: 2 n_kept bits. test_bits: n_test, as many as
// kept clicks of the test basis; the caller has checked that they are so many.
struct Told {
    const std::uint8_t *bases, *bits, *kept, *intensities, *test_bits;
    std::size_t n, n_kept, n_test;
};

struct ReceivedRows {
    RowWriter key_bits, low, high;
};

// Bob's part. clicks[8] as above; wrong[4]: bits of the test basis that differ from Alice's, by intensity, added to.
void sift_received(const Told& told, const ReceivedRows& rows, std::uint64_t* clicks, std::uint64_t* wrong,
                   bool portable);

void bind_sifted(nanobind::module_& m);

}  // namespace haris
