"""Sifting on packed bits: which clicks both ends keep, what they keep of them, and the counts, in one sweep.

All bits are packed octets, the least significant bit first, as on the wire; padding is zero. portable: take the path
that every processor has, to the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.kernels.light import key_words, preparation_thresholds
from haris.nouns.errors import ParameterError

Octets = NDArray[np.uint8]
_Rows = tuple[Octets, Octets, Octets, Octets, Octets]
_ROOM_OCTETS = 8
"""A kernel writes whole words: so many octets more than bits take."""
MOST_INTENSITIES = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """What Alice keeps of n_clicks announced clicks, and tells of them.

    kept: one bit a click. intensities: first the low bit of every kept click's index, then the high bit of every one.
    test_bits, key_bits: her bits of the kept clicks of either basis. n_key: how many key bits. clicks: int64 (2, 4),
    kept clicks by basis and intensity.
    """

    kept: Octets
    intensities: Octets
    test_bits: Octets = field(repr=False)
    key_bits: Octets = field(repr=False)
    n_key: int
    clicks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Received:
    """What Bob keeps of his clicks: n_key key bits, and the low and high bit of the intensity of each.

    clicks: int64 (2, 4), kept clicks by basis and intensity. test_errors: int64 (4,), bits of the test basis that
    differ from Alice's, by intensity.
    """

    key_bits: Octets = field(repr=False)
    n_key: int
    low: Octets
    high: Octets
    clicks: NDArray[np.int64]
    test_errors: NDArray[np.int64]


def sift_keyed(
    pulse: NDArray[np.int64],
    bob_basis: Octets,
    key: bytes,
    start: int,
    p_key_basis: float,
    p_intensities: Sequence[float],
    *,
    portable: bool = False,
) -> Sent:
    """Alice's sifting of pulses prepared under a key: haris.kernels.light.pulse_settings of start + pulse.

    pulse: int64, one row, where Bob's clicks are. bob_basis: a packed bit for each.
    Raises ParameterError on other types or sizes, and numbers below 0.
    """
    _require_pulses(pulse, bob_basis)
    if start < 0 or (len(pulse) and int(pulse.min()) < 0) or len(p_intensities) > MOST_INTENSITIES:
        raise ParameterError(f"pulse numbers are at least 0, and intensities at most {MOST_INTENSITIES}")
    rows, clicks = _rows(len(pulse)), np.zeros(8, np.uint64)
    thresholds = preparation_thresholds(p_key_basis, p_intensities)
    n_kept = _native.sift_keyed(pulse, bob_basis, key_words(key), thresholds, start, *rows, clicks, portable)
    return _sent(len(pulse), n_kept, rows, clicks)


def sift_recorded(pulse: NDArray[np.int64], bob_basis: Octets, settings: Octets, *, portable: bool = False) -> Sent:
    """Alice's sifting of pulses whose settings were recorded, an octet each (haris.nouns.pulses.Settings).

    Raises ParameterError on other types or sizes, and a pulse that was not recorded.
    """
    _require_pulses(pulse, bob_basis)
    if settings.dtype != np.uint8 or settings.ndim != 1 or not settings.flags.c_contiguous:
        raise ParameterError(f"settings are one row of uint8, got {settings.dtype} of shape {settings.shape}")
    if len(pulse) and not (int(pulse.min()) >= 0 and int(pulse.max()) < len(settings)):
        raise ParameterError(f"pulse indices must lie in [0, {len(settings)})")
    rows, clicks = _rows(len(pulse)), np.zeros(8, np.uint64)
    n_kept = _native.sift_recorded(pulse, bob_basis, settings, *rows, clicks, portable)
    return _sent(len(pulse), n_kept, rows, clicks)


def sift_received(
    basis: Octets,
    bit: Octets,
    n_clicks: int,
    kept: Octets,
    intensities: Octets,
    test_bits: Octets,
    *,
    portable: bool = False,
) -> Received:
    """Bob's sifting of n_clicks clicks: what Alice kept of them (see Sent), with his basis and bit of each, packed.

    Raises ParameterError on rows of other sizes: 2 bits of intensities for each kept click, one of test_bits for each
    of the test basis.
    """
    for row in (basis, bit, kept):
        _require_row(row, n_clicks)
    n_kept, n_test = count_ones(kept), count_ones(kept & basis)
    _require_row(intensities, 2 * n_kept)
    _require_row(test_bits, n_test)
    n_key = n_kept - n_test
    rows = _room(n_key), _room(n_key), _room(n_key)
    clicks, errors = np.zeros(8, np.uint64), np.zeros(4, np.uint64)
    told = basis, bit, n_clicks, kept, intensities, n_kept, test_bits, n_test
    _native.sift_received(*told, *rows, clicks, errors, portable)
    key_bits, low, high = (_cut(row, n_key) for row in rows)
    return Received(key_bits, n_key, low, high, clicks.astype(np.int64).reshape(2, 4), errors.astype(np.int64))


def count_ones(octets: Octets) -> int:
    """Ones among packed bits."""
    return int(np.bitwise_count(octets).sum(dtype=np.int64))


def _rows(n_clicks: int) -> _Rows:
    """Room for what Alice keeps: kept, low (and high behind it), high, test bits, key bits."""
    return _room(n_clicks), _room(2 * n_clicks), _room(n_clicks), _room(n_clicks), _room(n_clicks)


def _room(n_bits: int) -> Octets:
    return np.empty(n_bits // 8 + 1 + _ROOM_OCTETS, np.uint8)


def _sent(n_clicks: int, n_kept: int, rows: _Rows, clicks: NDArray[np.uint64]) -> Sent:
    kept, intensities, _, test_bits, key_bits = rows
    counts = clicks.astype(np.int64).reshape(2, 4)
    n_key = int(counts[0].sum())
    return Sent(
        kept=_cut(kept, n_clicks),
        intensities=_cut(intensities, 2 * n_kept),
        test_bits=_cut(test_bits, n_kept - n_key),
        key_bits=_cut(key_bits, n_key),
        n_key=n_key,
        clicks=counts,
    )


def _cut(row: Octets, n_bits: int) -> Octets:
    return row[: -(-n_bits // 8)]


def _require_pulses(pulse: NDArray[np.int64], bob_basis: Octets) -> None:
    if pulse.dtype != np.int64 or pulse.ndim != 1 or not pulse.flags.c_contiguous:
        raise ParameterError(f"pulses are one row of int64, got {pulse.dtype} of shape {pulse.shape}")
    _require_row(bob_basis, len(pulse))


def _require_row(row: Octets, n_bits: int) -> None:
    if row.dtype != np.uint8 or row.shape != (-(-n_bits // 8),) or not row.flags.c_contiguous:
        raise ParameterError(f"{n_bits} bits take {-(-n_bits // 8)} octets of uint8, got {row.dtype} {row.shape}")
    if n_bits % 8 and row[-1] >> n_bits % 8:
        raise ParameterError("the padding behind packed bits must be zero")
