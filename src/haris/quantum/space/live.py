"""How the light of a pass becomes key: what both ends agree on, the bound of its counts, and its proof."""

from __future__ import annotations

from haris.nouns.counts import DecoyCounts
from haris.nouns.keys import Proof
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.quantum.security import variable_length
from haris.quantum.security.key_length import BlockLength
from haris.quantum.space.pass_link import PassLink


def agreement(link: PassLink, n_pulses: int) -> Agreement:
    """What sifting and estimation need to know of n_pulses of a pass, without its physics.

    Reconciliation goes one way: round trips to orbit cost, and a pass gives blocks of 1e5 bits and more.
    """
    return Agreement(
        protocol=DecoyBB84(link.protocol.p_key_basis, n_pulses, reconciliation="one-way"),
        clock_hz=link.source.clock_hz,
        intensities=link.source.intensities,
        p_intensities=link.source.p_intensities,
        dead_time_s=link.detector.dead_time_s,
        gate_s=link.detector.gate_s,
    )


def require_live(link: PassLink) -> None:
    """ParameterError unless the link's protocol is decoy-bb84, and its bound one for live keys."""
    link.require_decoy_bb84("live light of a pass")
    variable_length.require_live_bound(link.security)


def live_length(link: PassLink, counts: DecoyCounts, leaked_bits: int) -> BlockLength:
    """Secret bits of one measured block of a pass: the bound that plans it."""
    return variable_length.block_length(counts, link.security, leaked_bits)


def live_proof(link: PassLink) -> Proof:
    """Why its keys are secret. Raises as require_live."""
    require_live(link)
    return variable_length.PROOF
