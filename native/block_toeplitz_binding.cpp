// Block-wise Toeplitz hashing for Python.
#include "block_toeplitz.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace haris {

namespace nb = nanobind;

namespace {

using In = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const BlockToeplitzPath& path : block_toeplitz_paths()) found.emplace_back(path.name);
    return found;
}

void make(BlockToeplitz* self, In seed, std::size_t n, std::size_t m) {
    if (m < 1 || m > n || n > kBlockToeplitzMostBits || seed.size() != (n + m + 6) / 8)
        throw nb::value_error("block_toeplitz: sizes do not fit n and m");
    new (self) BlockToeplitz(seed.data(), n, m);
}

void hash(const BlockToeplitz& self, In in, std::size_t blocks, Out out, const std::string& name) {
    const BlockToeplitzShape& shape = self.shape();
    if (blocks > (std::size_t{1} << 40) || in.size() != (blocks * shape.n + 7) / 8 ||
        out.size() != (blocks * shape.m + 7) / 8)
        throw nb::value_error("block_toeplitz: sizes do not fit the blocks");
    for (const BlockToeplitzPath& path : block_toeplitz_paths()) {
        if (name != path.name) continue;
        nb::gil_scoped_release released;
        self.hash(in.data(), blocks, out.data(), path);
        return;
    }
    throw nb::value_error("block_toeplitz: this processor has no such path");
}

}  // namespace

void bind_block_toeplitz(nb::module_& module) {
    module.def("block_toeplitz_paths", &names);
    nb::class_<BlockToeplitz>(module, "BlockToeplitz")
        .def("__init__", &make, nb::arg("seed"), nb::arg("n"), nb::arg("m"))
        .def("hash", &hash, nb::arg("blocks"), nb::arg("n_blocks"), nb::arg("out"), nb::arg("path"));
}

}  // namespace haris
