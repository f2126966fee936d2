#include "lanes_portable.hpp"
#include "toeplitz_path.hpp"

namespace haris {

void toeplitz_portable(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    toeplitz_transforms<PortableLanes>(key, seed, shape);
}

}  // namespace haris
