// Counts for health tests for Python.
#include "sample_health.hpp"

#include <string>
#include <tuple>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace haris {

namespace nb = nanobind;

namespace {

template <class Code>
using Codes = nb::ndarray<const Code, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Words = nb::ndarray<std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Digests = nb::ndarray<std::uint64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const HealthPaths& paths : health_paths()) found.emplace_back(paths.name);
    return found;
}

HealthPath<std::uint8_t> path_of(const HealthPaths& paths, std::uint8_t) { return paths.octets; }
HealthPath<std::uint16_t> path_of(const HealthPaths& paths, std::uint16_t) { return paths.words; }

template <class Code>
std::tuple<std::int64_t, std::int64_t, std::int64_t> counts(Codes<Code> codes, unsigned bits,
                                                            std::int64_t repetition_cutoff,
                                                            std::int64_t proportion_cutoff,
                                                            std::int64_t proportion_window, std::int64_t window,
                                                            Words state, Rows rows, Digests digests,
                                                            const std::string& name) {
    const HealthSettings settings{bits, repetition_cutoff, proportion_cutoff, proportion_window, window};
    const auto step = static_cast<std::int64_t>(kHealthStep), most = static_cast<std::int64_t>(kHealthMostProportion);
    const bool fits = bits >= 1 && bits <= 8 * sizeof(Code) && repetition_cutoff >= 4 && proportion_cutoff >= 1 &&
                      proportion_window >= step && proportion_window <= most && proportion_window % step == 0 &&
                      window >= proportion_window && window % proportion_window == 0 && window <= (1 << 30) &&
                      state.size() == kHealthStateWords && digests.shape(1) == 2 && digests.shape(0) >= 1 &&
                      (digests.shape(0) & (digests.shape(0) - 1)) == 0 && rows.shape(1) == kHealthRowWords;
    if (!fits) throw nb::value_error("sample_health: settings do not fit");
    HealthState kept;
    std::memcpy(&kept, state.data(), sizeof kept);
    static_assert(sizeof kept == kHealthStateWords * sizeof(std::int64_t));
    if (kept.filled < 0 || kept.filled >= window || kept.place < 0 || kept.place >= proportion_window ||
        kept.filled % proportion_window != kept.place ||
        rows.shape(0) != (static_cast<std::size_t>(kept.filled) + codes.size()) / static_cast<std::size_t>(window))
        throw nb::value_error("sample_health: the state does not fit");
    for (const HealthPaths& paths : health_paths()) {
        if (name != paths.name) continue;
        HealthFailures failures;
        {
            nb::gil_scoped_release released;
            failures = path_of(paths, Code{})(codes.data(), codes.size(), settings, kept, rows.data(), digests.data(),
                                              digests.shape(0));
        }
        std::memcpy(state.data(), &kept, sizeof kept);
        return {failures.repetition, failures.proportion, failures.copied};
    }
    throw nb::value_error("sample_health: this processor has no such path");
}

template <class Code>
void bind(nb::module_& module, const char* name) {
    module.def(name, &counts<Code>, nb::arg("codes"), nb::arg("bits"), nb::arg("repetition_cutoff"),
               nb::arg("proportion_cutoff"), nb::arg("proportion_window"), nb::arg("window"), nb::arg("state"),
               nb::arg("rows"), nb::arg("digests"), nb::arg("path"));
}

}  // namespace

void bind_sample_health(nb::module_& module) {
    module.def("health_paths", &names);
    bind<std::uint8_t>(module, "health_of_octets");
    bind<std::uint16_t>(module, "health_of_words");
}

}  // namespace haris
