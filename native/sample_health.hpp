// What on-line health tests count of raw samples, in one pass over a stream that comes in chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nanobind {
class module_;
}

namespace haris {

// proportion_window: samples of an adaptive proportion test, and of a digest, a multiple of kHealthStep up to
// kHealthMostProportion. window: of a row of counts, a multiple of proportion_window. Codes are below 2^bits.
struct HealthSettings {
    unsigned bits;
    std::int64_t repetition_cutoff, proportion_cutoff, proportion_window, window;
};

inline constexpr std::size_t kHealthStep = 128;
inline constexpr std::size_t kHealthMostProportion = 1024;

// What goes on from chunk to chunk. All zeros to begin with.
struct HealthState {
    std::int64_t last, run;                // the last sample, and how many like it came in a row; run 0: no sample yet
    std::int64_t reference, count, place;  // of the adaptive proportion test
    std::int64_t filled, sum, squares, lowest, highest, toggled;  // of the row that is not full
};
inline constexpr std::size_t kHealthStateWords = 11;

// Of each full window: sum and sum of squares of code less 2^(bits - 1), how often the lowest and the highest code came,
// and which bits changed from one sample to the next.
inline constexpr std::size_t kHealthRowWords = 5;

// Where in the chunk a test failed first, or -1.
struct HealthFailures {
    std::int64_t repetition = -1, proportion = -1, copied = -1;
};

// rows: room for (filled + n) / window. digests: `slots` pairs of words, a power of two, zeros to begin with; of each
// proportion window that lies whole in a chunk, a digest of 128 bits is looked up and kept.
template <class Code>
using HealthPath = HealthFailures (*)(const Code* codes, std::size_t n, const HealthSettings& settings,
                                      HealthState& state, std::int64_t* rows, std::uint64_t* digests,
                                      std::size_t slots);

struct HealthPaths {
    const char* name;
    HealthPath<std::uint8_t> octets;
    HealthPath<std::uint16_t> words;
};

// Those that this processor can take, the fastest first; the last is portable.
std::vector<HealthPaths> health_paths();

extern const HealthPaths kHealthPortable;
#if defined(__x86_64__)
extern const HealthPaths kHealthAvx2, kHealthAvx512;
#endif

void bind_sample_health(nanobind::module_& module);

}  // namespace haris
