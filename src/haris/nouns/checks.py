"""Checks of one value at the boundary, with one wording."""

from __future__ import annotations

import math
from collections.abc import Sequence

from haris.nouns.errors import ParameterError


def require_positive(name: str, value: float) -> None:
    """Raise ParameterError unless value is finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ParameterError(f"{name} must be finite and above 0, got {value}")


def require_not_negative(name: str, value: float) -> None:
    """Raise ParameterError unless value is finite and at least 0."""
    if not (math.isfinite(value) and value >= 0):
        raise ParameterError(f"{name} must be finite and at least 0, got {value}")


def require_within(name: str, value: float, least: float, most: float) -> None:
    """Raise ParameterError unless least <= value <= most."""
    if not least <= value <= most:
        raise ParameterError(f"{name} must lie in [{least:g}, {most:g}], got {value}")


def require_probability(name: str, value: float, at_most: float = 1.0) -> None:
    """Raise ParameterError unless 0 <= value <= at_most."""
    if not 0.0 <= value <= at_most:
        raise ParameterError(f"{name} must lie in [0, {at_most:g}], got {value}")


MOST_PHOTONS = 100.0


def require_weak(name: str, intensities: Sequence[float]) -> None:
    """Raise ParameterError unless mean photon numbers lie in [0, MOST_PHOTONS]; weak light never has more."""
    if not all(0.0 <= mu <= MOST_PHOTONS for mu in intensities):
        raise ParameterError(f"{name} must lie in [0, {MOST_PHOTONS:g}], got {tuple(intensities)}")


def require_simplex(name: str, values: Sequence[float]) -> None:
    """Raise ParameterError unless values are positive and sum to 1 within 1e-9."""
    if not values or any(not v > 0 for v in values) or abs(math.fsum(values) - 1.0) > 1e-9:
        raise ParameterError(f"{name} must be positive and sum to 1, got {tuple(values)}")


def require_printable(name: str, text: str) -> None:
    """Raise ParameterError on a text with characters that are not printed: a terminal obeys some of them."""
    if not text.isprintable():
        raise ParameterError(f"{name} must be of printed characters, got {text[:24]!r}")
