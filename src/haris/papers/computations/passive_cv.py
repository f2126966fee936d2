"""Passive state preparation: an access link of which two rates are printed."""

from __future__ import annotations

from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.emulate.expected_gaussian import expected_block
from haris.quantum.emulate.expected_passive import expected_passive_channel
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.protocols.passive_cv import PassiveCV
from haris.quantum.security.key_length import Security
from haris.quantum.security.passive_bounds import passive_key_length

_LONG_BLOCK = 1e12

_ASYMPTOTIC = (
    "A fit: an excess noise of 0.0265 SNU at the input was chosen to meet this number. Assumed: heterodyne detection, "
    "3.2e9 modes a second, 1000 photons a mode, half of them to Alice, 22 dB of attenuation, both detections with "
    "efficiency 0.56 and 0.05 SNU of electronic noise, Bob's trusted, noise of preparation untrusted, 0.2 dB/km, beta "
    "0.95. Many other settings meet it as well."
)
_FINITE = (
    f"{_ASYMPTOTIC} Besides, leverrier2010 with half of the modes disclosed and epsilons of 1e-10, assumed, and a "
    "block of 1 207 000 modes, fitted to this number."
)


def _rate(row: Row, quantity: str) -> Ours | None:
    """Bits a second: asymptotic with every mode used for key, finite with some disclosed."""
    if quantity not in ("asym_rate_bps", "finite_rate_bps"):
        return None
    finite = quantity == "finite_rate_bps"
    efficiency = row.number("assumed_efficiency", 0.56, least=1e-6, most=1.0)
    electronic = row.number("assumed_vel_snu", 0.05, least=0.0)
    source = ThermalSource(
        row.positive("assumed_clock_hz", 3.2e9),
        row.positive("assumed_photons_per_mode", 1000.0),
        row.number("assumed_attenuation_db", 22.0, least=0.0),
        efficiency=efficiency,
        electronic_noise_snu=electronic,
    )
    fibre = SplitFibre(
        row.number("distance_km", least=0.0) * 1e3,
        row.number("assumed_fibre_db_per_km", 0.2, least=0.0),
        excess_noise_snu=row.number("fitted_xi_input_snu", 0.0265, least=0.0),
    )
    receiver = OscillatorReceiver("heterodyne", efficiency, electronic, transmitted_oscillator=True)
    modes = row.positive("fitted_block_modes", 1_207_000.0) if finite else _LONG_BLOCK
    protocol = PassiveCV(round(modes), row.probability("assumed_beta", 0.95), p_estimation=0.5 if finite else 0.0)
    epsilon = row.positive("assumed_epsilon", 1e-10)
    security = Security("leverrier2010" if finite else "asymptotic", epsilon, epsilon)
    key = passive_key_length(expected_block(expected_passive_channel(source, fibre, receiver), protocol), security)
    rate = float(key.length_bits) / protocol.block_pulses * source.clock_hz
    return Ours(rate, _FINITE if finite else _ASYMPTOTIC)


COMPUTATIONS = (Computation(("ji2024*", "psp_cvqkd_thermal_source*"), _rate),)
