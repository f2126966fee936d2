"""What the two ends of discrete modulation expect of a block, from optics and protocol."""

from __future__ import annotations

from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.security.constellation import Constellation
from haris.quantum.security.denys2021 import ConstellationBlock
from haris.quantum.security.gaussian_channel import GaussianChannel


def constellation_of(source: ConstellationLaser) -> Constellation:
    """The states that a source sends."""
    return Constellation(tuple(source.levels_snu.tolist()), tuple(source.probabilities.tolist()))


def expected_constellation_block(
    source: ConstellationLaser, channel: GaussianChannel, protocol: DiscreteCV
) -> ConstellationBlock:
    """One block of the protocol over a channel of these estimates."""
    return ConstellationBlock(
        channel=channel,
        constellation=constellation_of(source),
        n_key=protocol.n_symbols * (1.0 - protocol.p_estimation),
        reconciliation_efficiency=protocol.reconciliation_efficiency,
        frame_error_rate=protocol.frame_error_rate,
    )
