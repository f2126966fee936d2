"""One end's half of a recorded block of prepared light, as its engine takes it."""

from __future__ import annotations

import numpy as np

from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.distill.transcript import Sender
from haris.quantum.protocols.bb84 import Agreement
from haris.wire import recording

_LOOK = 1 << 16
_SIGNIFICANT = 64  # a state that should have come so often and never did is not sent


def recorded_light(
    role: Sender, header: recording.BlockHeader, octets: recording.Octets, agreement: Agreement
) -> Pulses | Detections:
    """Alice's pulses, or Bob's detections. Raises ParameterError on another record, and on an Alice of three states."""
    if role is Sender.BOB:
        return recording.read_tags(header, octets)
    pulses = recording.read_pulses(header, octets, len(agreement.intensities))
    if pulses.recorded is not None:
        _require_four_states(pulses.recorded, agreement)
    return pulses


def _require_four_states(sent: Settings, agreement: Agreement) -> None:
    """Raise ParameterError if a state is never sent: the bound of four states would be wrong for three."""
    p_key, n_pulses = agreement.protocol.p_key_basis, len(sent.octets)
    for state, p_state in enumerate((p_key / 2, p_key / 2, (1 - p_key) / 2, (1 - p_key) / 2)):
        if n_pulses * p_state > _SIGNIFICANT and not _sends(sent, state):
            raise ParameterError(
                f"basis {state >> 1}, bit {state & 1} is sent in 0 of {n_pulses} pulses: "
                "the bound of a live key is for four states"
            )


def _sends(sent: Settings, state: int) -> bool:
    """Whether a state was ever sent. Most often one of the first pulses tells."""
    parts = (sent.octets[at : at + _LOOK] for at in range(0, len(sent.octets), _LOOK))
    return any(np.any(part & np.uint8(3) == state) for part in parts)
