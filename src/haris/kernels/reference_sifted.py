"""The specification of haris.kernels.sifted in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from haris.kernels.reference_light import pulse_settings
from haris.kernels.sifted import Octets, Received, Sent
from haris.nouns.pulses import Settings


def sift_keyed(
    pulse: NDArray[np.int64],
    bob_basis: Octets,
    key: bytes,
    start: int,
    p_key_basis: float,
    p_intensities: Sequence[float],
) -> Sent:
    """Specification of haris.kernels.sifted.sift_keyed."""
    return _sent(_unpacked(bob_basis, len(pulse)), *pulse_settings(key, start + pulse, p_key_basis, p_intensities))


def sift_recorded(pulse: NDArray[np.int64], bob_basis: Octets, settings: Octets) -> Sent:
    """Specification of haris.kernels.sifted.sift_recorded."""
    sent = Settings(settings[pulse])
    return _sent(_unpacked(bob_basis, len(pulse)), sent.basis, sent.bit, sent.intensity)


def sift_received(
    basis: Octets, bit: Octets, n_clicks: int, kept: Octets, intensities: Octets, test_bits: Octets
) -> Received:
    """Specification of haris.kernels.sifted.sift_received."""
    which = _unpacked(kept, n_clicks) == 1
    n_kept = int(np.count_nonzero(which))
    planes = _unpacked(intensities, 2 * n_kept).reshape(2, n_kept)
    own_basis, own_bit = _unpacked(basis, n_clicks)[which], _unpacked(bit, n_clicks)[which]
    key, test, intensity = own_basis == 0, own_basis == 1, planes[0] + 2 * planes[1]
    wrong = own_bit[test] != _unpacked(test_bits, int(np.count_nonzero(test)))
    return Received(
        key_bits=_packed(own_bit[key]),
        n_key=int(np.count_nonzero(key)),
        low=_packed(planes[0][key]),
        high=_packed(planes[1][key]),
        clicks=_counts(own_basis, intensity),
        test_errors=np.bincount(intensity[test][wrong], minlength=4),
    )


def _sent(bob_basis: Octets, basis: Octets, bit: Octets, intensity: Octets) -> Sent:
    kept = basis == bob_basis
    key, test, told = kept & (basis == 0), kept & (basis == 1), intensity[kept]
    return Sent(
        kept=_packed(kept),
        intensities=_packed(np.concatenate([told & 1, told >> 1])),
        test_bits=_packed(bit[test]),
        key_bits=_packed(bit[key]),
        n_key=int(np.count_nonzero(key)),
        clicks=_counts(basis[kept], told),
    )


def _counts(basis: Octets, intensity: Octets) -> NDArray[np.int64]:
    return np.bincount(4 * basis + intensity, minlength=8).reshape(2, 4)


def _packed(bits: NDArray[np.uint8] | NDArray[np.bool_]) -> Octets:
    return np.packbits(bits, bitorder="little")


def _unpacked(octets: Octets, n_bits: int) -> Octets:
    return np.unpackbits(octets, count=n_bits, bitorder="little")
