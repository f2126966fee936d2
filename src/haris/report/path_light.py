"""The light of a path through the air: a line for the terminal, and plain data."""

from __future__ import annotations

from typing import Any

import numpy as np

from haris.quantum.optics.free_space.path import FreeSpacePath

MARGIN_P = 0.01
"""A fading margin is missed this share of the time."""


def path_report(path: FreeSpacePath) -> dict[str, Any]:
    """Losses in decibels by name, the mean beam's radius (1/e^2), scintillation index and fading margin."""
    fading = path.fading()
    return {
        "losses_db": {name: float(-10.0 * np.log10(part)) for name, part in path.parts().items()},
        "beam_radius_m": float(path.beam_radius_m()),
        "scintillation_index": float(np.expm1(fading.log_variance)),
        "fading_margin_db": float(fading.margin_db(MARGIN_P)),
    }


def path_line(path: FreeSpacePath) -> str:
    """The same in words."""
    report = path_report(path)
    losses = ", ".join(f"{name} {loss:.1f}" for name, loss in report["losses_db"].items())
    return (
        f"through the air: loss {sum(report['losses_db'].values()):.1f} dB ({losses}), a beam of "
        f"{report['beam_radius_m']:.2g} m (1/e^2); scintillation index {report['scintillation_index']:.2g}, "
        f"1 % of the time {report['fading_margin_db']:.1f} dB below the mean"
    )
