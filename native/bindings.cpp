// The one place where C++ meets Python: every kernel registers itself here.
#include <nanobind/nanobind.h>

#include "ascending.hpp"
#include "block_toeplitz.hpp"
#include "bzip2_length.hpp"
#include "cascade.hpp"
#include "checksum.hpp"
#include "deal.hpp"
#include "key_container.hpp"
#include "ldpc.hpp"
#include "light.hpp"
#include "pack_samples.hpp"
#include "permutation_statistics.hpp"
#include "predictors.hpp"
#include "repeats.hpp"
#include "sample_health.hpp"
#include "sift.hpp"
#include "sifted.hpp"
#include "sum_product.hpp"
#include "toeplitz_binding.hpp"

namespace nb = nanobind;

NB_MODULE(_native, m) {
    m.doc() = "haris kernels: arrays in, arrays out";
    haris::bind_ascending(m);
    haris::bind_block_toeplitz(m);
    haris::bind_cascade(m);
    haris::bind_checksum(m);
    haris::bind_deal(m);
    haris::bind_key_container(m);
    haris::bind_ldpc(m);
    haris::bind_sum_product(m);
    haris::bind_light(m);
    haris::bind_bzip2_length(m);
    haris::bind_pack_samples(m);
    haris::bind_permutation_statistics(m);
    haris::bind_predictors(m);
    haris::bind_repeats(m);
    haris::bind_sample_health(m);
    haris::bind_sift(m);
    haris::bind_sifted(m);
    haris::bind_toeplitz(m);
}
