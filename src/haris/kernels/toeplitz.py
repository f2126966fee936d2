"""Toeplitz hashing over GF(2) for privacy amplification.

The packed forms are the plain ones: the kernel works on packed octets, the least significant bit first, as keys and
seeds lie on the wire and in the store. The forms on bits unpack and pack about them, which takes longer than the hash.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

Octets = NDArray[np.uint8]

MOST_BITS = 2**28
"""The longest key, and so the longest hash."""


class Workspace:
    """Memory for one hash after another, which the system need not clear anew for each. It grows as hashes need it.

    Every hash leaves zeros in it. It serves one hash at a time: a second raises ParameterError, and hashes nothing.
    """

    def __init__(self) -> None:
        self._octets = np.empty(0, np.uint8)
        self._taken = Lock()

    def __enter__(self) -> Workspace:
        if not self._taken.acquire(blocking=False):
            raise ParameterError("workspace serves another hash at this moment")
        return self

    def __exit__(self, *error: object) -> None:
        self._taken.release()

    def octets(self, size: int) -> Octets:
        """At least size octets of it, for who has entered it."""
        if len(self._octets) < size:
            self._octets = np.empty(size, np.uint8)
        return self._octets


def toeplitz(key: Octets, seed: Octets, length_bits: int, *, path: str | None = None) -> Octets:
    """The first length_bits of the Toeplitz hash of key: y[i] = sum_j seed[n - 1 + i - j] key[j] over GF(2).

    key: n bits, seed: n + length_bits - 1 bits, result: length_bits bits; all uint8 0/1, 1 <= length_bits <= n <= 2^28.
    path: one of paths(), the fastest by default; the bits are the same on all.
    Raises ParameterError on other sizes, types or paths.
    Two different keys collide for one seed in 2^length_bits: Krawczyk, CRYPTO '94; Mansour, Nisan, Tiwari, STOC '90.
    """
    _require_bits(key, seed)
    _require_sizes(len(key), len(seed), length_bits, len(key) + length_bits - 1)
    octets = toeplitz_packed(_packed(key), len(key), _packed(seed), length_bits, path=path)
    return np.unpackbits(octets, count=length_bits, bitorder="little")


def toeplitz_packed(
    key: Octets,
    n_bits: int,
    seed: Octets,
    length_bits: int,
    *,
    path: str | None = None,
    workspace: Workspace | None = None,
) -> Octets:
    """The same hash on packed octets: bit i is bit i % 8, the least significant first, of octet i // 8.

    key: ceil(n_bits / 8) octets, seed: ceil((n_bits + length_bits - 1) / 8), result: ceil(length_bits / 8), its
    unused bits 0; bits of key and seed behind their last are of no account. np.frombuffer makes octets of bytes.
    workspace: for many hashes one after another. Without one, memory is taken for this hash, wiped and given back.
    Raises ParameterError on other sizes, types or paths.
    """
    seed_bits = n_bits + length_bits - 1
    _require_sizes(n_bits, seed_bits, length_bits, seed_bits)
    return _hashed(key, n_bits, 0, seed, seed_bits, length_bits, path, workspace)


def modified_toeplitz(key: Octets, seed: Octets, length_bits: int, *, path: str | None = None) -> Octets:
    """The hash (I | T) of key, m = length_bits: y = key[:m] + T key[m:], T a Toeplitz matrix of m rows, n - m columns.

    As toeplitz, but the seed has n - 1 bits, whatever the length, and only n - m of the key's bits are multiplied. For
    length_bits = n there is no T, and the result is the key.
    Two different keys collide for one seed in 2^length_bits, too: Hayashi, Tsurumaru, IEEE Trans. Inf. Theory 62, 2213
    (2016), arXiv 1311.5322.
    """
    _require_bits(key, seed)
    _require_sizes(len(key), len(seed), length_bits, len(key) - 1)
    octets = modified_toeplitz_packed(_packed(key), len(key), _packed(seed), length_bits, path=path)
    return np.unpackbits(octets, count=length_bits, bitorder="little")


def modified_toeplitz_packed(
    key: Octets,
    n_bits: int,
    seed: Octets,
    length_bits: int,
    *,
    path: str | None = None,
    workspace: Workspace | None = None,
) -> Octets:
    """The same hash on packed octets, as toeplitz_packed. seed: ceil((n_bits - 1) / 8) octets."""
    _require_sizes(n_bits, n_bits - 1, length_bits, n_bits - 1)
    if length_bits == n_bits:
        _require_octets("key", key, n_bits)
        _require_octets("seed", seed, n_bits - 1)
        result = key.copy()
    else:
        result = _hashed(key, n_bits, length_bits, seed, n_bits - 1, length_bits, path, workspace)
        result ^= key[: len(result)]
    if length_bits % 8:
        result[-1] &= 0xFF >> -length_bits % 8
    return result


def paths() -> tuple[str, ...]:
    """What the hashes can run on here, the fastest first: gfni, avx512, vpclmul, avx2 or pmull, and always portable."""
    return tuple(_native.toeplitz_paths())


def instruction_set() -> str:
    """The path that the hashes take here unless told otherwise."""
    return paths()[0]


def _hashed(
    key: Octets,
    n_bits: int,
    skip_bits: int,
    seed: Octets,
    seed_bits: int,
    length_bits: int,
    path: str | None,
    workspace: Workspace | None,
) -> Octets:
    available = paths()
    if path is not None and path not in available:
        raise ParameterError(f"path must be one of {', '.join(available)} on this processor, got {path}")
    _require_octets("key", key, n_bits)
    _require_octets("seed", seed, seed_bits)
    result = np.empty(-(-length_bits // 8), np.uint8)
    key, seed = np.ascontiguousarray(key), np.ascontiguousarray(seed)
    arguments = key, n_bits, skip_bits, seed, result, length_bits, path or available[0]
    if workspace is None:
        _native.toeplitz(*arguments)
    else:
        with workspace:
            size = _native.toeplitz_workspace(n_bits, skip_bits, length_bits)
            _native.toeplitz(*arguments, workspace.octets(size))
    return result


def _packed(bits: Octets) -> Octets:
    return np.packbits(bits, bitorder="little")


def _require_bits(key: Octets, seed: Octets) -> None:
    for name, bits in (("key", key), ("seed", seed)):
        if bits.dtype != np.uint8 or bits.ndim != 1:
            raise ParameterError(f"{name} must be one row of uint8, got {bits.dtype} of shape {bits.shape}")
        if (greatest := int(bits.max(initial=0))) > 1:
            raise ParameterError(f"{name} must be of bits 0 and 1, got {greatest}")


def _require_octets(name: str, octets: Octets, n_bits: int) -> None:
    if octets.dtype != np.uint8 or octets.ndim != 1:
        raise ParameterError(f"{name} must be one row of uint8, got {octets.dtype} of shape {octets.shape}")
    if len(octets) != -(-n_bits // 8):
        raise ParameterError(f"{name} must have {-(-n_bits // 8)} octets for {n_bits} bits, got {len(octets)}")


def _require_sizes(n_bits: int, seed_bits: int, length_bits: int, wanted_seed_bits: int) -> None:
    if not 1 <= n_bits <= MOST_BITS:
        raise ParameterError(f"key must have 1 to {MOST_BITS} bits, got {n_bits}")
    if not 1 <= length_bits <= n_bits:
        raise ParameterError(f"length_bits must be 1 to {n_bits}, the bits of the key, got {length_bits}")
    if seed_bits != wanted_seed_bits:
        raise ParameterError(f"seed must have {wanted_seed_bits} bits, got {seed_bits}")
