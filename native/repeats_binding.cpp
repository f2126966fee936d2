// Repeated tuples for Python.
#include "repeats.hpp"

#include <utility>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

using In = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> owned(std::vector<T>&& values) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T, nb::ndim<1>>(kept->data(), {kept->size()}, owner);
}

nb::tuple repeats_of(In symbols, unsigned width) {
    const std::uint8_t* from = symbols.data();
    const std::size_t n = symbols.size();
    Repeats found;
    {
        nb::gil_scoped_release release;
        found = tuple_repeats(from, n, width);
    }
    return nb::make_tuple(owned(std::move(found.most)), owned(std::move(found.pairs)));
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.repeats, the only caller.
void bind_repeats(nb::module_& m) {
    m.def("tuple_repeats", &repeats_of, "Occurrences of the commonest tuple, and pairs of equal tuples, by length.");
}

}  // namespace haris
