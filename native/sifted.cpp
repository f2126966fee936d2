#include "sifted.hpp"

#include "target.hpp"

#include <nanobind/ndarray.h>

#include "bit_rows.hpp"
#include "cpu.hpp"
#include "light.hpp"

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Of up to 64 settings: the bits, the bases, and the low and high bits of the intensities' indices.
struct Settings64 {
    HARIS_INLINE Settings64(const std::uint8_t* octets, std::size_t n)
        : bit(row_of(octets, n, 0)), basis(row_of(octets, n, 1)), low(row_of(octets, n, 2)), high(row_of(octets, n, 3)) {}

    Row bit, basis, low, high;
};

// Clicks (or errors) of one basis by intensity.
HARIS_INLINE void count(std::uint64_t* by_intensity, Row which, Row low, Row high) {
    by_intensity[0] += static_cast<unsigned>(std::popcount(which & ~low & ~high));
    by_intensity[1] += static_cast<unsigned>(std::popcount(which & low & ~high));
    by_intensity[2] += static_cast<unsigned>(std::popcount(which & ~low & high));
    by_intensity[3] += static_cast<unsigned>(std::popcount(which & low & high));
}

HARIS_INLINE std::uint8_t octet_of(const Setting& setting) {
    return static_cast<std::uint8_t>(setting.bit | setting.basis << 1 | setting.intensity << 2);
}

struct SentRows {
    std::uint8_t* high_bits;  // where `high` writes
    BitWriter kept, low, high, test_bits, key_bits;
};

SentRows sent_rows(Out<std::uint8_t>& kept, Out<std::uint8_t>& low, Out<std::uint8_t>& high,
                   Out<std::uint8_t>& test_bits, Out<std::uint8_t>& key_bits) {
    return {high.data(), BitWriter(kept.data()), BitWriter(low.data()), BitWriter(high.data()),
            BitWriter(test_bits.data()), BitWriter(key_bits.data())};
}

// setting_of: the setting of a pulse, as an octet of a recording. clicks: by basis and intensity. Returns how many clicks are kept; the high bits of
// their intensities stand behind all the low ones, too, as they cross the wire.
template <typename Compress, typename SettingOf>
HARIS_INLINE std::size_t sift_sent_by(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis,
                                      const SettingOf& setting_of, SentRows rows, std::uint64_t* clicks) {
    std::size_t n_kept = 0;
    for (std::size_t i = 0; i < n; i += 64) {
        const std::size_t m = std::min<std::size_t>(64, n - i);
        std::uint8_t octets[64];
        for (std::size_t j = 0; j < m; ++j) octets[j] = setting_of(pulse[i + j]);
        const Settings64 sent(octets, m);
        const Row kept = ~(sent.basis ^ bits_at(bob_basis, i / 8, n)) & first_bits(m);
        const Compress all(kept), test(kept & sent.basis), key(kept & ~sent.basis);
        rows.kept.append(kept, static_cast<unsigned>(m));
        rows.low.append(all(sent.low), all.count());
        rows.high.append(all(sent.high), all.count());
        rows.test_bits.append(test(sent.bit), test.count());
        rows.key_bits.append(key(sent.bit), key.count());
        count(clicks, kept & ~sent.basis, sent.low, sent.high);
        count(clicks + 4, kept & sent.basis, sent.low, sent.high);
        n_kept += all.count();
    }
    rows.high.finish();
    for (std::size_t i = 0; i < n_kept; i += 64)
        rows.low.append(bits_at(rows.high_bits, i / 8, n_kept),
                        static_cast<unsigned>(std::min<std::size_t>(64, n_kept - i)));
    rows.kept.finish();
    rows.low.finish();
    rows.test_bits.finish();
    rows.key_bits.finish();
    return n_kept;
}

// Settings of pulses prepared under a key, the first of which is number `start`.
struct Keyed {
    Preparation prepared;
    std::int64_t start;

    HARIS_INLINE std::uint8_t operator()(std::int64_t number) const {
        return octet_of(prepared.at(static_cast<std::uint64_t>(start + number)));
    }
};

struct Recorded {
    const std::uint8_t* settings;

    HARIS_INLINE std::uint8_t operator()(std::int64_t number) const { return settings[number]; }
};

// What Bob is told, and has: n clicks. n_kept: ones of kept. intensities: 2 n_kept bits. test_bits: n_test, as many as
// kept clicks of the test basis; the caller has checked that they are so many.
struct Told {
    const std::uint8_t *bases, *bits, *kept, *intensities, *test_bits;
    std::size_t n, n_kept, n_test;
};

struct ReceivedRows {
    BitWriter key_bits, low, high;
};

template <typename Compress>
HARIS_INLINE void sift_received_by(const Told& told, ReceivedRows rows, std::uint64_t* clicks, std::uint64_t* wrong) {
    BitReader low(told.intensities, 2 * told.n_kept, 0), high(told.intensities, 2 * told.n_kept, told.n_kept);
    BitReader alice(told.test_bits, told.n_test, 0);
    for (std::size_t i = 0; i < told.n; i += 64) {
        const Compress all(bits_at(told.kept, i / 8, told.n));
        const Row mine = all(bits_at(told.bits, i / 8, told.n)), test_basis = all(bits_at(told.bases, i / 8, told.n));
        const Row low_bits = low.take(all.count()), high_bits = high.take(all.count());
        const Row any = all.count() ? first_bits(all.count()) : 0;
        const Compress test(test_basis), key(any & ~test_basis);
        rows.key_bits.append(key(mine), key.count());
        rows.low.append(key(low_bits), key.count());
        rows.high.append(key(high_bits), key.count());
        count(clicks, any & ~test_basis, low_bits, high_bits);
        count(clicks + 4, test_basis, low_bits, high_bits);
        count(wrong, test(mine) ^ alice.take(test.count()), test(low_bits), test(high_bits));
    }
    rows.key_bits.finish();
    rows.low.finish();
    rows.high.finish();
}

// The sweeps with one way to move bits together.
#define HARIS_SWEEPS(Compress)                                                                                     \
    std::size_t sift_sent(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis,                 \
                          const Keyed& keyed, const SentRows& rows, std::uint64_t* clicks) {                       \
        return sift_sent_by<Compress>(pulse, n, bob_basis, keyed, rows, clicks);                                   \
    }                                                                                                              \
    std::size_t sift_sent(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis,                 \
                          const Recorded& recorded, const SentRows& rows, std::uint64_t* clicks) {                 \
        return sift_sent_by<Compress>(pulse, n, bob_basis, recorded, rows, clicks);                                \
    }                                                                                                              \
    void sift_received(const Told& told, const ReceivedRows& rows, std::uint64_t* clicks, std::uint64_t* wrong) { \
        sift_received_by<Compress>(told, rows, clicks, wrong);                                                     \
    }

namespace any {
HARIS_SWEEPS(Compress)
}
#if defined(__x86_64__)
HARIS_TARGET_BEGIN("bmi,bmi2,popcnt,lzcnt")
namespace pext {
HARIS_SWEEPS(PextCompress)
}
HARIS_TARGET_END
#else
namespace pext = any;
#endif
#undef HARIS_SWEEPS

template <typename SettingOf>
std::size_t sift_sent(const In<std::int64_t>& pulse, const In<std::uint8_t>& bob_basis, const SettingOf& setting_of,
                      const SentRows& rows, std::uint64_t* clicks, bool portable) {
    const std::int64_t* pulses = pulse.data();
    const std::size_t n = pulse.size();
    const std::uint8_t* bases = bob_basis.data();
    nb::gil_scoped_release release;
    return has_fast_pext() && !portable
               ? pext::sift_sent(pulses, n, bases, setting_of, rows, clicks)
               : any::sift_sent(pulses, n, bases, setting_of, rows, clicks);
}

std::size_t sift_keyed(In<std::int64_t> pulse, In<std::uint8_t> bob_basis, In<std::uint64_t> key,
                       In<std::uint64_t> thresholds, std::int64_t start, Out<std::uint8_t> kept, Out<std::uint8_t> low,
                       Out<std::uint8_t> high, Out<std::uint8_t> test_bits, Out<std::uint8_t> key_bits,
                       Out<std::uint64_t> clicks, bool portable) {
    const std::uint64_t *words = key.data(), *bounds = thresholds.data();
    const Keyed keyed{{{{words[0], words[1]}, {words[2], words[3]}}, bounds[0], {bounds + 1, bounds + thresholds.size()}},
                      start};
    const SentRows rows = sent_rows(kept, low, high, test_bits, key_bits);
    return sift_sent(pulse, bob_basis, keyed, rows, clicks.data(), portable);
}

std::size_t sift_recorded(In<std::int64_t> pulse, In<std::uint8_t> bob_basis, In<std::uint8_t> settings,
                          Out<std::uint8_t> kept, Out<std::uint8_t> low, Out<std::uint8_t> high,
                          Out<std::uint8_t> test_bits, Out<std::uint8_t> key_bits, Out<std::uint64_t> clicks,
                          bool portable) {
    const Recorded recorded{settings.data()};
    const SentRows rows = sent_rows(kept, low, high, test_bits, key_bits);
    return sift_sent(pulse, bob_basis, recorded, rows, clicks.data(), portable);
}

void sift_received_of(In<std::uint8_t> basis, In<std::uint8_t> bit, std::size_t n, In<std::uint8_t> kept,
                      In<std::uint8_t> intensities, std::size_t n_kept, In<std::uint8_t> test_bits, std::size_t n_test,
                      Out<std::uint8_t> key_bits, Out<std::uint8_t> key_low, Out<std::uint8_t> key_high,
                      Out<std::uint64_t> clicks, Out<std::uint64_t> test_errors, bool portable) {
    const Told told{basis.data(), bit.data(), kept.data(), intensities.data(), test_bits.data(), n, n_kept, n_test};
    const ReceivedRows rows{BitWriter(key_bits.data()), BitWriter(key_low.data()), BitWriter(key_high.data())};
    std::uint64_t *counted = clicks.data(), *wrong = test_errors.data();
    nb::gil_scoped_release release;
    (has_fast_pext() && !portable ? pext::sift_received : any::sift_received)(told, rows, counted, wrong);
}

}  // namespace

// Shapes, ranges and room are checked by haris.kernels.sifted, the only caller.
void bind_sifted(nb::module_& m) {
    m.def("sift_keyed", &sift_keyed, "Alice's sifting of keyed pulses; returns how many clicks are kept.");
    m.def("sift_recorded", &sift_recorded, "The same of recorded pulses.");
    m.def("sift_received", &sift_received_of, "Bob's sifting: key bits with their intensities, and counts.");
}

}  // namespace haris
