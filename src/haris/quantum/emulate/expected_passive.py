"""What the two ends of passive state preparation expect to estimate, from optics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.security.gaussian_channel import GaussianChannel


def expected_passive_channel(
    source: ThermalSource, fibre: SplitFibre, receiver: OscillatorReceiver, distance_m: ArrayLike | None = None
) -> GaussianChannel:
    """The channel as exact estimates would have it, arrays of distance_m's shape (None: the fibre's own length).

    Untrusted noise of preparation is excess noise at the fibre's input, as if Eve had added it to coherent states of
    Alice's choice: for each value of hers, the light is the same, and Eve knows more of it. A mode of Bob's that is not
    quite Alice's is a loss of hers, and light of other modes that fills it up: both are the channel's, whatever the
    source is trusted with, for these modes leave, and Bob cannot tell them from what Eve sends in their place.
    """
    fibre_t = fibre.transmittance(distance_m)
    t = np.asarray(source.mode_overlap * fibre_t)
    beside = (1.0 - source.mode_overlap) * source.outgoing_variance_snu + 2.0 * receiver.leaked_photons
    untrusted = 0.0 if source.trusted else source.preparation_noise_snu
    return GaussianChannel(
        modulation_variance_snu=source.modulation_variance_snu,
        transmittance=t,
        noise_snu=np.asarray(fibre.noise_snu(distance_m) + fibre_t * beside + t * untrusted),
        heterodyne=receiver.detection == "heterodyne",
        efficiency=receiver.efficiency,
        electronic_noise_snu=receiver.noise_of_electronics_snu(fibre_t),
        trusted=receiver.trusted,
        trusted_preparation_snu=source.preparation_noise_snu if source.trusted else 0.0,
    )
