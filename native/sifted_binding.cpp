// Sifting of packed bits for Python.
#include "sifted.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

SentRows sent_rows(Out<std::uint8_t>& kept, Out<std::uint8_t>& low, Out<std::uint8_t>& high,
                   Out<std::uint8_t>& test_bits, Out<std::uint8_t>& key_bits) {
    return {high.data(), RowWriter(kept.data()), RowWriter(low.data()), RowWriter(high.data()),
            RowWriter(test_bits.data()), RowWriter(key_bits.data())};
}

template <typename SettingOf>
std::size_t sift_of(const In<std::int64_t>& pulse, const In<std::uint8_t>& bob_basis, const SettingOf& setting_of,
                    const SentRows& rows, std::uint64_t* clicks, bool portable) {
    const std::int64_t* pulses = pulse.data();
    const std::size_t n = pulse.size();
    const std::uint8_t* bases = bob_basis.data();
    nb::gil_scoped_release release;
    return sift_sent(pulses, n, bases, setting_of, rows, clicks, portable);
}

std::size_t sift_keyed(In<std::int64_t> pulse, In<std::uint8_t> bob_basis, In<std::uint64_t> key,
                       In<std::uint64_t> thresholds, std::int64_t start, Out<std::uint8_t> kept, Out<std::uint8_t> low,
                       Out<std::uint8_t> high, Out<std::uint8_t> test_bits, Out<std::uint8_t> key_bits,
                       Out<std::uint64_t> clicks, bool portable) {
    const std::uint64_t *words = key.data(), *bounds = thresholds.data();
    const Keyed keyed{{{{words[0], words[1]}, {words[2], words[3]}}, bounds[0], {bounds + 1, bounds + thresholds.size()}},
                      start};
    return sift_of(pulse, bob_basis, keyed, sent_rows(kept, low, high, test_bits, key_bits), clicks.data(), portable);
}

std::size_t sift_recorded(In<std::int64_t> pulse, In<std::uint8_t> bob_basis, In<std::uint8_t> settings,
                          Out<std::uint8_t> kept, Out<std::uint8_t> low, Out<std::uint8_t> high,
                          Out<std::uint8_t> test_bits, Out<std::uint8_t> key_bits, Out<std::uint64_t> clicks,
                          bool portable) {
    const Recorded recorded{settings.data()};
    return sift_of(pulse, bob_basis, recorded, sent_rows(kept, low, high, test_bits, key_bits), clicks.data(), portable);
}

void sift_received_of(In<std::uint8_t> basis, In<std::uint8_t> bit, std::size_t n, In<std::uint8_t> kept,
                      In<std::uint8_t> intensities, std::size_t n_kept, In<std::uint8_t> test_bits, std::size_t n_test,
                      Out<std::uint8_t> key_bits, Out<std::uint8_t> key_low, Out<std::uint8_t> key_high,
                      Out<std::uint64_t> clicks, Out<std::uint64_t> test_errors, bool portable) {
    const Told told{basis.data(), bit.data(), kept.data(), intensities.data(), test_bits.data(), n, n_kept, n_test};
    const ReceivedRows rows{RowWriter(key_bits.data()), RowWriter(key_low.data()), RowWriter(key_high.data())};
    std::uint64_t *counted = clicks.data(), *wrong = test_errors.data();
    nb::gil_scoped_release release;
    sift_received(told, rows, counted, wrong, portable);
}

}  // namespace

// Shapes, ranges and room are checked by haris.kernels.sifted, the only caller.
void bind_sifted(nb::module_& m) {
    m.def("sift_keyed", &sift_keyed, "Alice's sifting of keyed pulses; returns how many clicks are kept.");
    m.def("sift_recorded", &sift_recorded, "The same of recorded pulses.");
    m.def("sift_received", &sift_received_of, "Bob's sifting: key bits with their intensities, and counts.");
}

}  // namespace haris
