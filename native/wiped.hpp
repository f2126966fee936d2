// Memory that held key material, set to zero so that no compiler drops it as never read again.
#pragma once

#include <cstddef>
#include <cstring>

namespace haris {

inline void wipe(void* memory, std::size_t octets) {
    std::memset(memory, 0, octets);
    asm volatile("" : : "r"(memory) : "memory");
}

// What functions that returned have left on the stack below the caller, as far as `Octets` reach.
template <std::size_t Octets>
__attribute__((noinline)) void wipe_stack() {
    unsigned char below[Octets];
    wipe(below, Octets);
}

}  // namespace haris
