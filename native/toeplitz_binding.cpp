#include "toeplitz_binding.hpp"

#include <optional>
#include <string>

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "toeplitz.hpp"

namespace haris {

namespace nb = nanobind;

using Octets = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const ToeplitzPath& path : toeplitz_paths()) found.emplace_back(path.name);
    return found;
}

void checked_toeplitz(Octets key, std::size_t n, std::size_t skip, Octets seed, Result out, std::size_t m,
                      const std::string& name, std::optional<Result> workspace) {
    const bool fits = m >= 1 && m <= n && n <= kToeplitzMostBits && skip < n && key.size() == (n + 7) / 8 &&
                      seed.size() == (n - skip + m + 6) / 8 && out.size() == (m + 7) / 8;
    if (!fits || (workspace && workspace->size() < toeplitz_workspace(n, skip, m)))
        throw nb::value_error("toeplitz: sizes do not fit n, skip and m");
    for (const ToeplitzPath& path : toeplitz_paths()) {
        if (name != path.name) continue;
        nb::gil_scoped_release released;
        toeplitz(key.data(), n, skip, seed.data(), out.data(), m, path,
                 workspace ? workspace->data() : nullptr);
        return;
    }
    throw nb::value_error("toeplitz: this processor has no such path");
}

std::size_t checked_workspace(std::size_t n, std::size_t skip, std::size_t m) {
    if (m < 1 || m > n || n > kToeplitzMostBits || skip >= n) throw nb::value_error("toeplitz: no such sizes");
    return toeplitz_workspace(n, skip, m);
}

}  // namespace

void bind_toeplitz(nb::module_& module) {
    module.def("toeplitz_paths", &names);
    module.def("toeplitz", &checked_toeplitz, nb::arg("key"), nb::arg("n"), nb::arg("skip"), nb::arg("seed"),
               nb::arg("out"), nb::arg("m"), nb::arg("path"), nb::arg("workspace") = nb::none());
    module.def("toeplitz_workspace", &checked_workspace, nb::arg("n"), nb::arg("skip"), nb::arg("m"));
}

}  // namespace haris
