"""Libraries for products over GF(2)[x] that a user has built: gf2x and bitpolymul2.

They are found by an environment variable that holds the path of a shared library, and called as C. How to build them:
docs/how-to/measure-amplification.md.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

Words = NDArray[np.uint64]

_LEAST_WORDS = 256  # bitpolymul2 multiplies powers of two of words, not too few


@dataclass(frozen=True, slots=True)
class Product:
    """Polynomials over GF(2) as words, the lowest first: the product of two, and how many seconds it took."""

    words: Words
    seconds: float


@dataclass(frozen=True, slots=True)
class Library:
    """name: as goals.toml has it. variable: of the environment. multiply: with the loaded library, two polynomials."""

    name: str
    variable: str
    multiply: Callable[[ctypes.CDLL, Words, Words], Product]

    def load(self) -> ctypes.CDLL | None:
        """The library, None where the variable is not set. Raises ParameterError where it cannot be loaded."""
        path = os.environ.get(self.variable)
        if not path:
            return None
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            raise ParameterError(f"{self.variable} names no library that can be loaded: {error}") from error


def _gf2x(library: ctypes.CDLL, a: Words, b: Words) -> Product:
    product = np.zeros(len(a) + len(b), np.uint64)
    sizes = ctypes.c_ulong(len(a)), ctypes.c_ulong(len(b))
    began = perf_counter()
    library.gf2x_mul(_pointer(product), _pointer(a), sizes[0], _pointer(b), sizes[1])
    return Product(product, perf_counter() - began)


def _bitpolymul(library: ctypes.CDLL, a: Words, b: Words) -> Product:
    """By the faster of the library's two fields."""
    size = max(_LEAST_WORDS, 1 << (max(len(a), len(b)) - 1).bit_length())
    padded = [np.concatenate([words, np.zeros(size - len(words), np.uint64)]) for words in (a, b)]
    product, seconds = np.zeros(2 * size, np.uint64), []
    for multiply in (library.bitpolymul_2_64, library.bitpolymul_2_128):
        began = perf_counter()
        multiply(_pointer(product), _pointer(padded[0]), _pointer(padded[1]), ctypes.c_uint(size))
        seconds.append(perf_counter() - began)
    return Product(product, min(seconds))


def _pointer(words: Words) -> ctypes.c_void_p:
    return ctypes.c_void_p(words.ctypes.data)


LIBRARIES = (
    Library("gf2x", "HARIS_GF2X", _gf2x),
    Library("bitpolymul2", "HARIS_BITPOLYMUL2", _bitpolymul),
)
