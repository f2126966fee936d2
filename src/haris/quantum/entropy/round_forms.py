"""The rounds of the sources that need checks: squeezed light, qubits in two bases, trusted states."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from haris.nouns.raw_rounds import RawRounds, Settings
from haris.nouns.raw_samples import Codes, RawSamples, code_type
from haris.quantum.entropy.mdi_qrng import EARLY, LATE, MDI_QRNG, MdiQrng, honest_device
from haris.quantum.entropy.mdi_rounds import Rounds
from haris.quantum.entropy.round_form import TOGETHER, Fresh, RoundForm
from haris.quantum.entropy.source import Emission
from haris.quantum.entropy.source_independent import SOURCE_INDEPENDENT, CheckCounts, SourceIndependent
from haris.quantum.entropy.squeezed import SQUEEZED, QuadratureChecks, SqueezedLight, measured_codes

GENERATED, CHECKED = 0, 1
"""Settings of a round that gives a sample, and of one that is a check."""
CLICK_0, CLICK_1, BOTH_CLICK, NO_CLICK = range(4)
"""Outcomes of a qubit: in the check basis CLICK_1 is an error."""
_CHUNK = 1 << 20


def _parts(rounds: RawRounds) -> Iterator[RawRounds]:
    return (rounds.part(first, first + TOGETHER) for first in range(0, len(rounds), TOGETHER))


def _squeezed_gives(rounds: RawRounds) -> NDArray[np.bool_]:
    return np.asarray(rounds.settings == GENERATED)


def _squeezed_sorted(parameters: SqueezedLight, rounds: RawRounds, fresh: Fresh) -> Emission:
    kept, last, saturated = [], 2**rounds.bits - 1, 0
    counts = np.zeros(last + 1, np.int64)
    for part in _parts(rounds):
        checked = part.settings == CHECKED
        counts += np.bincount(part.outcomes[checked], minlength=last + 1)
        samples = part.outcomes[~checked]
        saturated += int(np.count_nonzero(samples == 0)) + int(np.count_nonzero(samples == last))
        kept.append(samples)
    whole: Codes = np.concatenate(kept)
    return Emission(RawSamples(whole, rounds.bits, parameters.clock_hz), QuadratureChecks(counts, saturated))


def _squeezed_outcomes(parameters: SqueezedLight, settings: Settings, rng: np.random.Generator) -> Codes:
    codes: Codes = np.empty(len(settings), code_type(parameters.adc_bits))  # type: ignore[assignment]
    for setting, gain_db in ((GENERATED, parameters.antisqueezing_db), (CHECKED, -parameters.squeezing_db)):
        where = settings == setting
        codes[where] = measured_codes(parameters, int(np.count_nonzero(where)), gain_db, rng)
    return codes


def _qubit_gives(rounds: RawRounds) -> NDArray[np.bool_]:
    return np.asarray((rounds.settings == GENERATED) & (rounds.outcomes != NO_CLICK))


def _qubit_sorted(parameters: SourceIndependent, rounds: RawRounds, fresh: Fresh) -> Emission:
    """Where both detectors click a random bit is drawn here: it is spent, as the coins of all rounds are."""
    kept, clicks, errors, doubles = [], 0, 0, 0
    for part in _parts(rounds):
        clicked = part.outcomes != NO_CLICK
        bits = part.outcomes[clicked].astype(np.uint8)
        checked = part.settings[clicked] == CHECKED
        both = np.flatnonzero(bits == BOTH_CLICK)
        bits[both] = np.unpackbits(np.frombuffer(fresh(-(-len(both) // 8)), np.uint8))[: len(both)]
        clicks += int(np.count_nonzero(checked))
        errors += int(np.count_nonzero(bits[checked]))
        doubles += len(both)
        kept.append(bits[~checked])
    samples = RawSamples(np.concatenate(kept), 1, parameters.clock_hz)
    return Emission(samples, CheckCounts(clicks, errors, len(rounds), doubles))


def _qubit_outcomes(parameters: SourceIndependent, settings: Settings, rng: np.random.Generator) -> Codes:
    n = len(settings)
    alone = 1.0 - parameters.p_double
    error = (parameters.check_error - parameters.p_double / 2.0) / alone if alone > 0.0 else 0.0
    ones = np.where(settings == CHECKED, min(1.0, max(0.0, error)), 0.5)
    outcomes = (rng.random(n) < ones).astype(np.uint8)
    outcomes[rng.random(n) < parameters.p_double] = BOTH_CLICK
    outcomes[rng.random(n) >= parameters.p_click] = NO_CLICK
    return outcomes


def _state_gives(rounds: RawRounds) -> NDArray[np.bool_]:
    return np.ones(len(rounds), np.bool_)


def _state_sorted(parameters: MdiQrng, rounds: RawRounds, fresh: Fresh) -> Emission:
    early, late = (np.flatnonzero(rounds.settings == state) for state in (EARLY, LATE))
    values = rounds.outcomes.astype(np.uint8, copy=False)
    return Emission(RawSamples(values, 1, parameters.clock_hz), Rounds(values, early, late))


def _state_outcomes(parameters: MdiQrng, settings: Settings, rng: np.random.Generator) -> Codes:
    outcomes, device = np.empty(len(settings), np.uint8), honest_device(parameters)
    for first in range(0, len(settings), _CHUNK):
        part = settings[first : first + _CHUNK]
        outcomes[first : first + _CHUNK] = device(rng, part, rng.poisson(parameters.mean_photons, len(part)))
    return outcomes


_ALL = (
    RoundForm(
        SQUEEZED.name,
        1,
        lambda parameters: int(parameters.adc_bits),
        lambda parameters: np.array([1.0 - parameters.p_check, parameters.p_check]),
        lambda parameters: 1.0 - float(parameters.p_check),
        _squeezed_gives,
        _squeezed_sorted,
        _squeezed_outcomes,
    ),
    RoundForm(
        SOURCE_INDEPENDENT.name,
        2,
        lambda _: 2,
        lambda parameters: np.array([1.0 - parameters.p_check, parameters.p_check]),
        lambda parameters: float(parameters.p_click) * (1.0 - float(parameters.p_check)),
        _qubit_gives,
        _qubit_sorted,
        _qubit_outcomes,
    ),
    RoundForm(
        MDI_QRNG.name,
        3,
        lambda _: 1,
        lambda parameters: np.asarray(parameters.p_states),
        lambda _: 1.0,
        _state_gives,
        _state_sorted,
        _state_outcomes,
    ),
)
ROUND_FORMS: dict[str, RoundForm] = {form.source: form for form in _ALL}
"""By the name of the source's kind; of others a device gives samples alone."""
