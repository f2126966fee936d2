#include "sifted.hpp"

#include "target.hpp"

#include "cpu.hpp"

namespace haris {
namespace {

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

template <typename Compress>
HARIS_INLINE void sift_received_by(const Told& told, ReceivedRows rows, std::uint64_t* clicks, std::uint64_t* wrong) {
    RowReader low(told.intensities, 2 * told.n_kept, 0), high(told.intensities, 2 * told.n_kept, told.n_kept);
    RowReader alice(told.test_bits, told.n_test, 0);
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
std::size_t sift_sent_best(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis,
                           const SettingOf& setting_of, const SentRows& rows, std::uint64_t* clicks, bool portable) {
    return has_fast_pext() && !portable ? pext::sift_sent(pulse, n, bob_basis, setting_of, rows, clicks)
                                        : any::sift_sent(pulse, n, bob_basis, setting_of, rows, clicks);
}

}  // namespace

std::size_t sift_sent(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis, const Keyed& keyed,
                      const SentRows& rows, std::uint64_t* clicks, bool portable) {
    return sift_sent_best(pulse, n, bob_basis, keyed, rows, clicks, portable);
}

std::size_t sift_sent(const std::int64_t* pulse, std::size_t n, const std::uint8_t* bob_basis, const Recorded& recorded,
                      const SentRows& rows, std::uint64_t* clicks, bool portable) {
    return sift_sent_best(pulse, n, bob_basis, recorded, rows, clicks, portable);
}

void sift_received(const Told& told, const ReceivedRows& rows, std::uint64_t* clicks, std::uint64_t* wrong,
                   bool portable) {
    (has_fast_pext() && !portable ? pext::sift_received : any::sift_received)(told, rows, clicks, wrong);
}

}  // namespace haris
