// Feeds the kernels of sifting, and the checksum, with what a peer or a file may send, and stops where a path differs from a
// plain loop:
//
//     clang++ -std=c++20 -g -O1 -ffp-contract=off -fsanitize=fuzzer,address,undefined,float-cast-overflow
//         -fno-sanitize-recover=all native/sift.fuzz.cpp native/{sift,sifted,ascending,checksum,cpu}.cpp -o sift_fuzz
//     ./sift_fuzz -len_control=0 -max_len=4096 -max_total_time=600
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "ascending.hpp"
#include "checksum.hpp"
#include "fuzz_octets.hpp"
#include "sift.hpp"
#include "sifted.hpp"

namespace {

using namespace haris;
using Bytes = std::vector<std::uint8_t>;
using Numbers = std::vector<std::int64_t>;

void require(bool holds) {
    if (!holds) std::abort();
}

bool bit(const Bytes& octets, std::size_t i) { return octets[i / 8] >> (i % 8) & 1; }

// So many bits, packed, with zeros behind them.
Bytes packed(Octets& octets, std::size_t n) {
    Bytes row = octets.row<std::uint8_t>((n + 7) / 8);
    if (n % 8) row.back() &= static_cast<std::uint8_t>((1u << n % 8) - 1);
    return row;
}

// No more room than a kernel may ask for, so that a sanitizer guards the end of it.
Bytes room(std::size_t bits) { return Bytes(bits / 8 + 1 + 8); }

// Whether the packed bits are these, and zeros behind them up to the octet.
bool same(const Bytes& octets, const std::vector<bool>& bits) {
    for (std::size_t i = 0; i < (bits.size() + 7) / 8 * 8; ++i)
        if (bit(octets, i) != (i < bits.size() && bits[i])) return false;
    return true;
}

// What is read is what pack_ascending writes, octet by octet.
void unpacking(Octets& octets) {
    const std::int64_t below = octets.take<std::int64_t>() >> octets.take<std::uint8_t>() % 64;
    const std::size_t announced = octets.take<std::uint16_t>();
    if (below > std::int64_t{1} << 62) return;
    const Bytes text = octets.row<std::uint8_t>(octets.left());
    Numbers numbers(std::min(announced, text.size()));
    const auto [n_read, n_octets] = unpack_ascending(text.data(), text.size(), numbers.size(), below, numbers.data());
    require(n_read <= numbers.size() && n_octets <= text.size());
    for (std::size_t i = 0; i < n_read; ++i) require(numbers[i] > (i ? numbers[i - 1] : -1) && numbers[i] < below);
    Bytes again(6 * n_read);
    require(pack_ascending(numbers.data(), n_read, again.data()) == n_octets);
    require(std::equal(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n_octets), again.begin()));
}

// Numbers are refused, or read again as they were.
void packing(Octets& octets) {
    Numbers numbers;
    std::int64_t last = -1;
    bool fit = true;
    while (octets.left() > 0) {
        const auto kind = octets.take<std::uint8_t>();
        std::int64_t gap = kind < 224 ? kind : octets.take<std::uint8_t>();
        if (kind >= 240) gap = octets.take<std::int64_t>() >> (20 + kind % 16);
        fit &= gap >= 0 && gap < std::int64_t{1} << 42;
        numbers.push_back(last += gap + 1);
    }
    numbers.shrink_to_fit();
    Bytes text(6 * numbers.size());
    const std::size_t size = pack_ascending(numbers.data(), numbers.size(), text.data());
    require(fit == (size != kUnfit));
    if (!fit) return;
    text.resize(size);
    text.shrink_to_fit();
    Numbers again(numbers.size());
    const std::pair read = unpack_ascending(text.data(), size, again.size(), std::int64_t{1} << 62, again.data());
    require(read.first == numbers.size() && read.second == size && again == numbers);
}

// Tags in the order of their times, most of them near to one another.
struct Tags {
    explicit Tags(Octets& octets, double period_ps) {
        const bool is_wild = octets.take<std::uint8_t>() % 8 == 0;
        std::int64_t time = octets.take<std::int16_t>();
        if (is_wild) time = octets.take<std::int64_t>() >> octets.take<std::uint8_t>() % 64;
        while (octets.left() > 0) {
            const unsigned kind = octets.take<std::uint8_t>();
            std::uint64_t step = 0;
            if (kind >= 252)
                step = octets.take<std::uint64_t>() >> octets.take<std::uint8_t>() % 64;
            else if (kind >= 32)
                step = octets.take<std::uint8_t>() * static_cast<std::uint64_t>(kind < 128 ? 1 : period_ps / 8);
            if (step > static_cast<std::uint64_t>(INT64_MAX) - static_cast<std::uint64_t>(time)) step = 0;
            time = static_cast<std::int64_t>(static_cast<std::uint64_t>(time) + step);
            time_ps.push_back(time);
            channel.push_back(kind & 3);
        }
        time_ps.shrink_to_fit();
        channel.shrink_to_fit();
    }

    Numbers time_ps;
    Bytes channel;
};

void gates(Octets& octets) {
    constexpr std::array<double, 4> kPeriods{4.0, 400.0, 1e12 / 2.4999e9, 333.25};
    const unsigned which = octets.take<std::uint8_t>() % 8;
    const double period_ps = which < 4 ? kPeriods[which] : 4.0 + octets.take<std::uint32_t>() / 64.0;
    const double half_gate_ps = octets.take<std::uint8_t>() / 510.0 * period_ps;
    const auto number = [&](std::int64_t usual) {
        if (octets.take<std::uint8_t>() % 4) return usual;
        return static_cast<std::int64_t>(octets.take<std::uint64_t>() >> (2 + octets.take<std::uint8_t>() % 62));
    };
    const std::int64_t n_pulses = number(std::int64_t{1} << 40), hold_off = number(octets.take<std::uint8_t>() % 3);
    const Tags tags(octets, period_ps);
    const std::size_t n = tags.time_ps.size();

    Numbers pulse, n_tags;  // of every gate that is written
    Bytes mask;
    std::vector<bool> basis, low;
    std::int64_t before = -(std::int64_t{1} << 62), leading = -1;
    bool live = false;  // whether gate `leading` is written
    for (std::size_t i = 0; i < n; ++i) {
        const auto time = static_cast<double>(tags.time_ps[i]);
        const auto gate = static_cast<std::int64_t>(std::floor(time / period_ps));
        const double offset = std::fabs(time - (static_cast<double>(gate) + 0.5) * period_ps);
        const bool inside = offset <= half_gate_ps && gate >= 0 && gate < n_pulses;
        const std::uint8_t channel = tags.channel[i];
        if (inside && gate != leading) {
            leading = gate;
            live = gate - before > hold_off;
            if (live) {
                pulse.push_back(gate), n_tags.push_back(0), mask.push_back(0);
                basis.push_back(channel >> 1), low.push_back(channel & 1);
            }
        }
        if (inside && live) ++n_tags.back(), mask.back() |= static_cast<std::uint8_t>(1u << channel);
        before = gate;
    }

    for (const bool portable : {false, true}) {
        Numbers found(n), several(n);
        Bytes found_mask(n), found_basis = room(n), found_low = room(n);
        Several together{several.data(), found_mask.data()};
        const std::size_t written = click_gates(
            tags.time_ps.data(), tags.channel.data(), n, {period_ps, half_gate_ps, n_pulses, hold_off}, found.data(),
            RowWriter(found_basis.data()), RowWriter(found_low.data()), together, portable);
        require(written == pulse.size() && std::equal(pulse.begin(), pulse.end(), found.begin()));
        require(same(found_basis, basis) && same(found_low, low));
        std::size_t seen = 0;
        for (std::size_t at = 0; at < written; ++at) {
            if (n_tags[at] == 1) continue;
            require(seen < together.n && several[seen] == static_cast<std::int64_t>(at) && found_mask[seen] == mask[at]);
            ++seen;
        }
        require(seen == together.n);
    }
}

using Counts = std::array<std::uint64_t, 8>;

// Alice's part, of recorded pulses and of keyed ones.
void sent(Octets& octets) {
    const bool is_keyed = octets.take<std::uint8_t>() % 2;
    const std::size_t n = octets.take<std::uint16_t>() % 2048, n_pulses = 1 + octets.take<std::uint8_t>();
    const auto words = octets.row<std::uint64_t>(4), bounds = octets.row<std::uint64_t>(octets.take<std::uint8_t>() % 4);
    const Keyed keyed{{{{words[0], words[1]}, {words[2], words[3]}}, octets.take<std::uint64_t>(), bounds},
                      octets.take<std::int64_t>() & INT64_MAX};
    const Bytes settings = octets.row<std::uint8_t>(n_pulses), bob_basis = packed(octets, n);
    const Recorded recorded{settings.data()};
    Numbers pulse(n);
    for (std::int64_t& at : pulse) at = static_cast<std::int64_t>(octets.take<std::uint8_t>() % n_pulses);

    std::vector<bool> kept, low, high, test_bits, key_bits;
    Counts clicks{};
    for (std::size_t i = 0; i < n; ++i) {
        const unsigned setting = is_keyed ? keyed(pulse[i]) : recorded(pulse[i]), basis = setting >> 1 & 1;
        kept.push_back(basis == bit(bob_basis, i));
        if (!kept.back()) continue;
        (basis ? test_bits : key_bits).push_back(setting & 1);
        low.push_back(setting >> 2 & 1), high.push_back(setting >> 3 & 1);
        ++clicks[4 * basis + (setting >> 2 & 3)];
    }
    const std::size_t n_kept = low.size();
    low.insert(low.end(), high.begin(), high.end());

    for (const bool portable : {false, true}) {
        Bytes row[] = {room(n), room(2 * n), room(n), room(n), room(n)};
        Counts counted{};
        const SentRows rows{row[2].data(),            RowWriter(row[0].data()), RowWriter(row[1].data()),
                            RowWriter(row[2].data()), RowWriter(row[3].data()), RowWriter(row[4].data())};
        const std::size_t found =
            is_keyed ? sift_sent(pulse.data(), n, bob_basis.data(), keyed, rows, counted.data(), portable)
                     : sift_sent(pulse.data(), n, bob_basis.data(), recorded, rows, counted.data(), portable);
        require(found == n_kept && counted == clicks && same(row[0], kept) && same(row[1], low));
        require(same(row[3], test_bits) && same(row[4], key_bits));
    }
}

// Bob's part.
void received(Octets& octets) {
    const std::size_t n = octets.take<std::uint16_t>() % 2048;
    const Bytes bases = packed(octets, n), bits = packed(octets, n), kept = packed(octets, n);
    std::size_t n_kept = 0, n_test = 0;
    for (std::size_t i = 0; i < n; ++i) n_kept += bit(kept, i), n_test += bit(kept, i) && bit(bases, i);
    const Bytes intensities = packed(octets, 2 * n_kept), test_bits = packed(octets, n_test);

    std::vector<bool> key_bits, low, high;
    Counts clicks{}, wrong{};
    for (std::size_t i = 0, k = 0, t = 0; i < n; ++i) {
        if (!bit(kept, i)) continue;
        const bool low_bit = bit(intensities, k), high_bit = bit(intensities, n_kept + k++);
        const unsigned intensity = low_bit + 2u * high_bit;
        ++clicks[4 * bit(bases, i) + intensity];
        if (bit(bases, i))
            wrong[intensity] += bit(test_bits, t++) != bit(bits, i);
        else
            key_bits.push_back(bit(bits, i)), low.push_back(low_bit), high.push_back(high_bit);
    }

    const Told told{bases.data(), bits.data(), kept.data(), intensities.data(), test_bits.data(), n, n_kept, n_test};
    for (const bool portable : {false, true}) {
        Bytes row[] = {room(n_kept - n_test), room(n_kept - n_test), room(n_kept - n_test)};
        Counts counted{}, errors{};
        sift_received(told, {RowWriter(row[0].data()), RowWriter(row[1].data()), RowWriter(row[2].data())},
                      counted.data(), errors.data(), portable);
        require(counted == clicks && errors == wrong);
        require(same(row[0], key_bits) && same(row[1], low) && same(row[2], high));
    }
}

void checksum(Octets& octets) {
    const Bytes text = octets.row<std::uint8_t>(octets.left());
    std::uint32_t crc = ~0u;
    for (const std::uint8_t octet : text) {
        crc ^= octet;
        for (int k = 0; k < 8; ++k) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    for (const bool tables_only : {false, true}) require(crc32(text.data(), text.size(), tables_only) == ~crc);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array kKernels{unpacking, packing, gates, sent, received, checksum};
    Octets octets(data, size);
    kKernels[octets.take<std::uint8_t>() % kKernels.size()](octets);
    return 0;
}
