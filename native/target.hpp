// HARIS_TARGET_BEGIN("avx2,...") ... HARIS_TARGET_END: functions between are compiled for these instruction sets.
//
// The standard headers come first: what they define inline is shared with the rest of the program, and must run on every
// processor.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#define HARIS_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define HARIS_TARGET_BEGIN(sets) \
    HARIS_PRAGMA(clang attribute push(__attribute__((target(sets))), apply_to = function))
#define HARIS_TARGET_END HARIS_PRAGMA(clang attribute pop)
#else
#define HARIS_TARGET_BEGIN(sets) HARIS_PRAGMA(GCC push_options) HARIS_PRAGMA(GCC target(sets))
#define HARIS_TARGET_END HARIS_PRAGMA(GCC pop_options)
#endif
