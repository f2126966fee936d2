"""What families share whose key comes of the signal pulses of a Source, by photon number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.photon_counts import PhotonCounts
from haris.quantum.families.family import Parts, Rate
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.security.key_length import KeyLength
from haris.quantum.security.limits import plob


def require_signal(source: Source, detector: Detector) -> None:
    """Raise ParameterError unless the first intensity is a signal, and gates do not overlap."""
    if not source.intensities[0] > 0.0:
        raise ParameterError(f"intensities must begin with a signal above 0, got {source.intensities}")
    detector.require_clock(source.clock_hz)


def photon_rate(parts: Parts, at_m: NDArray[np.float64], counts: PhotonCounts, key: KeyLength) -> Rate:
    """The rate of one block of those counts and that length at each distance."""
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )
