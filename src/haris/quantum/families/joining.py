"""Rates of parts of a sweep joined to the rate of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.quantum.families.family import Rate
from haris.quantum.security.key_length import KeyLength

Array = NDArray[np.float64]
CHUNK = 1 << 14
"""Distances that are evaluated at once, so that a sweep takes little more memory than its result."""


def in_chunks(rate: Callable[[Array], Rate], at_m: Array) -> Rate:
    """rate(at_m) of any shape, for whose steps there is never memory of more than CHUNK distances."""
    if at_m.size <= CHUNK:
        return rate(at_m)
    flat = at_m.ravel()
    parts = [rate(flat[begin : begin + CHUNK]) for begin in range(0, flat.size, CHUNK)]
    return _mapped(joined(parts), lambda values: values.reshape(at_m.shape))


def joined(rates: Sequence[Rate]) -> Rate:
    """One-dimensional rates of one family, one behind the other."""
    first = rates[0]

    def whole(arrays: Sequence[Array]) -> Array:
        rows = [np.broadcast_to(array, rate.distance_m.shape) for array, rate in zip(arrays, rates, strict=True)]
        return np.asarray(np.concatenate(rows))

    terms = tuple(
        replace(term, value=whole([rate.key.terms[i].value for rate in rates]))
        for i, term in enumerate(first.key.terms)
    )
    return Rate(
        distance_m=whole([rate.distance_m for rate in rates]),
        secret_bits_per_pulse=whole([rate.secret_bits_per_pulse for rate in rates]),
        secret_bits_per_s=whole([rate.secret_bits_per_s for rate in rates]),
        qber=whole([rate.qber for rate in rates]),
        plob_per_pulse=whole([rate.plob_per_pulse for rate in rates]),
        key=KeyLength(np.concatenate([rate.key.length_bits for rate in rates]), terms, first.key.proof),
        settings={name: whole([rate.settings[name] for rate in rates]) for name in first.settings},
    )


def picked(rate: Rate, index: NDArray[np.int64]) -> Rate:
    """A one-dimensional rate at these of its places, in their shape."""
    return _mapped(rate, lambda values: np.broadcast_to(values, rate.distance_m.shape)[index])


def _mapped(rate: Rate, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Rate:
    return Rate(
        distance_m=change(rate.distance_m),
        secret_bits_per_pulse=change(rate.secret_bits_per_pulse),
        secret_bits_per_s=change(rate.secret_bits_per_s),
        qber=change(rate.qber),
        plob_per_pulse=change(rate.plob_per_pulse),
        key=KeyLength(
            change(rate.key.length_bits),
            tuple(replace(term, value=change(term.value)) for term in rate.key.terms),
            rate.key.proof,
        ),
        settings={name: change(values) for name, values in rate.settings.items()},
    )
