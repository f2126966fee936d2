// What the bindings of LDPC kernels share: everything is checked here, since indices come from files.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "cpu.hpp"
#include "ldpc.hpp"

namespace haris::ldpc_binding {

namespace nb = nanobind;

template <typename T>
using Row = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using State = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

inline void require(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

inline void require_none(const char* fault) { require(fault == nullptr, fault); }

inline QuasiCyclic code_of(const Row<std::int32_t>& start, const Row<std::int32_t>& column, const Row<std::int32_t>& shift,
                    std::size_t bits, std::size_t lifting) {
    require(lifting >= 1 && bits % lifting == 0, "ldpc: bits are whole columns");
    require(start.size() >= 2 && shift.size() == column.size(), "ldpc: a row at least, and a shift for each edge");
    const QuasiCyclic code{start.data(), column.data(), shift.data(), start.size() - 1, bits / lifting, lifting};
    require_none(ldpc_fault(code, column.size()));
    return code;
}

inline std::vector<std::string> ldpc_paths() {
    std::vector<std::string> names{"portable"};
    if (has_avx2()) names.push_back("avx2");
    if (has_avx512bw()) names.push_back("avx512");
    return names;
}

inline LdpcPath path_named(const std::string& name) {
    const std::vector<std::string> names = ldpc_paths();
    require(std::find(names.begin(), names.end(), name) != names.end(), "ldpc: no such path on this processor");
    return name == "avx512" ? LdpcPath::avx512 : name == "avx2" ? LdpcPath::avx2 : LdpcPath::portable;
}

}  // namespace haris::ldpc_binding
