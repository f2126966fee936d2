"""The settings that give most key in passes by any protocol: what a family lets one choose, tried one after the other.

Decoy-state BB84 has a search of its own (optimum.py), which tries many settings in one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.block_counts import BlockCounts, joined
from haris.nouns.errors import ParameterError
from haris.quantum.optics.slot_path import SlotPath
from haris.quantum.security.key_length import unrounded_bits
from haris.quantum.space.block_key import MOST_QBER
from haris.quantum.space.climb import FIRST_RADIUS, climb
from haris.quantum.space.pass_key import Slots, counts_over
from haris.quantum.space.pass_link import PassLink, block_key

Floats = NDArray[np.float64]
FEW_SLOTS = 12
"""Of a pass in the search."""
N_START, N_CLIMBED = 48, 2
NEAR_RADIUS = 0.03
"""Of a first step, as a share of a setting's range."""
GAIN = 1e-3
"""Below it a climb has ended."""
LIGHT = (4096.0, 64.0, 1.0)
"""Of how many passes alike in one block: settings of key lie about those of more key, so that a search which finds
none goes from more light to less."""
HOPELESS = -1e30
"""Of settings that do not fit together: below any length, and its square a number."""
CUTS = 12
"""Windows that are tried by light, and as many by light over sky."""


def knobs_of(link: PassLink) -> dict[str, float]:
    """What may be chosen, with its values. Raises ParameterError where that is nothing."""
    values = link.family.settings(link.parts(SlotPath(np.ones(1), 0.0), link.detector))
    if not values:
        raise ParameterError(f"{link.family.name} has no settings to choose")
    return dict(values)


def turned(link: PassLink, values: Mapping[str, float]) -> PassLink:
    """The link with other settings. Raises ParameterError where they do not fit together."""
    parts = link.family.turned(link.parts(SlotPath(np.ones(1), 0.0), link.detector), values)
    p_key_basis: float = parts.protocol.p_key_basis  # type: ignore[attr-defined]  # every protocol that flies has one
    return replace(link, source=parts.source, protocol=replace(link.protocol, p_key_basis=p_key_basis))


def best_knobs(
    blocks: Sequence[Sequence[Slots]], link: PassLink, near: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Settings with most key summed over blocks, each of the slots of one pass or several. The same for the same.

    near: from which they cannot be far; without it they are sought anywhere.
    """
    search = _Search([[_thinned(slots) for slots in block] for block in blocks], link)
    if near is not None:
        return search.at(climb(lambda at: search.values(at, 1.0), search.place(near)[None], NEAR_RADIUS, GAIN)[0])
    start = np.random.default_rng(0).random((N_START, len(link.family.knobs)))
    places = np.concatenate([search.place(knobs_of(link))[None], start])
    light = LIGHT[-1:] if search.values(places, 1.0).max() > 0.0 else LIGHT
    for n in light:
        places = places[np.argsort(-search.values(places, n), kind="stable")[:N_CLIMBED]]
        place, _ = climb(lambda at, n=n: search.values(at, n), places, FIRST_RADIUS, GAIN)  # type: ignore[misc]
        places = np.concatenate([place[None], places])
    return search.at(place)


def best_window(slots: Slots, link: PassLink) -> slice:
    """The neighbouring slots that give most key, of the windows that are tried; all where no fewer give more."""
    return max(_windows(slots), key=lambda used: real_bits(link, counts_over(slots.part(used), link)))


def quiet(slots: Slots, link: PassLink) -> Slots | None:
    """The longest of these windows with an error rate that leaves key; None where the sky drowns all of them."""
    for used in sorted(_windows(slots), key=lambda used: used.start - used.stop):
        part = slots.part(used)
        if float(counts_over(part, link).key_qber) <= MOST_QBER:
            return part
    return None


def _windows(slots: Slots) -> list[slice]:
    """All slots, and without those at both ends that are faintest, or faintest beside the sky."""
    sky = slots.background if slots.other is None else slots.background + slots.other.background
    levels = [slots.whole, slots.whole / sky] if np.all(sky > 0.0) else [slots.whole]
    found: dict[tuple[int, int], slice] = {}
    for level in levels:
        order = np.sort(level)
        for n_faint in np.unique(np.linspace(0, level.size - 1, CUTS).astype(int)):
            bright = np.flatnonzero(level >= order[n_faint])
            found.setdefault((bright[0], bright[-1]), slice(int(bright[0]), int(bright[-1]) + 1))
    return list(found.values())


def real_bits(link: PassLink, counts: BlockCounts) -> float:
    """Length of a block's key before it is rounded, below 0 where there is none."""
    return float(unrounded_bits(block_key(link, counts)))


def _thinned(slots: Slots) -> Slots:
    """A few of them for all."""
    n = slots.unix_s.size
    step = max(n // FEW_SLOTS, 1)
    few = slots.part(slice(step // 2, None, step))
    return replace(few, duration_s=slots.duration_s * n / few.unix_s.size)


@dataclass(frozen=True, slots=True)
class _Search:
    blocks: Sequence[Sequence[Slots]]
    link: PassLink

    def place(self, values: Mapping[str, float]) -> Floats:
        """Of settings in the unit cube."""
        return np.array([knob.share(values[knob.name]) for knob in self.link.family.knobs])

    def at(self, place: Floats) -> dict[str, float]:
        """Settings at a place of the unit cube."""
        knobs = self.link.family.knobs
        return {knob.name: knob.value(float(share)) for knob, share in zip(knobs, place, strict=True)}

    def values(self, places: Floats, light: float) -> Floats:
        """Of each place the length of all blocks that give key; where none does, of the one that lacks least."""
        return np.array([self._value(place, light) for place in places])

    def _value(self, place: Floats, light: float) -> float:
        try:
            link = turned(self.link, self.at(place))
        except ParameterError:
            return HOPELESS
        bits = []
        for block in self.blocks:
            brighter = (replace(slots, duration_s=slots.duration_s * light) for slots in block)
            bits.append(real_bits(link, joined([counts_over(slots, link) for slots in brighter])))
        gained = sum(max(each, 0.0) for each in bits)
        return gained if gained > 0.0 else max(bits)
