"""Counts of a block of three states, once both ends have compared what they sent and saw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from haris.nouns.detections import Detections
from haris.nouns.pulses import Pulses
from haris.nouns.three_state_counts import TEST_STATE, ThreeStateCounts, sent_states
from haris.quantum.distill.sift import accept
from haris.quantum.protocols.bb84 import Agreement
from haris.quantum.protocols.preparation import settings_at


def tally(
    pulses: Pulses, detections: Detections, agreement: Agreement, entropy: Callable[[int], bytes]
) -> ThreeStateCounts:
    """Counts of both halves of a block. agreement: of BB84 with the same bases, which prepares and sifts alike.

    Several clicks in one gate become a random bit, of a random basis if they lie in both. Raises ParameterError as
    sift.accept does.
    """
    accepted = accept(detections, agreement, entropy)
    n = len(accepted.pulse)
    basis, bit = (np.unpackbits(row, count=n, bitorder="little") for row in (accepted.basis, accepted.bit))
    settings = settings_at(pulses, accepted.pulse, agreement.protocol.p_key_basis, agreement.p_intensities)
    seen = np.zeros((TEST_STATE + 1, 2, 2, len(agreement.intensities)), dtype=np.int64)
    np.add.at(seen, (sent_states(settings), basis, bit, settings.intensity), 1)
    key = seen[:TEST_STATE, 0]
    errors = key[0, 1] + key[1, 0]
    return ThreeStateCounts(
        n_pulses=float(pulses.n_pulses),
        intensities=agreement.intensities,
        p_intensities=agreement.p_intensities,
        key_clicks=errors + key[0, 0] + key[1, 1],
        key_errors=errors,
        test_clicks=seen[:, 1],
    )
