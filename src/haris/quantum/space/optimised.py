"""Predicted passes with the settings, and the slots, that give most key: known ahead from the prediction alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from haris.nouns.counts import by_intensity
from haris.quantum.space.knobs import best_knobs, best_window, knobs_of, quiet, turned
from haris.quantum.space.optimum import Course, Receiver, optimum
from haris.quantum.space.pass_blocks import blocks_of, in_blocks
from haris.quantum.space.pass_key import PassKey, Slots, counts_over
from haris.quantum.space.pass_link import DECOY_BB84, PassLink, block_key
from haris.quantum.space.slot_counts import Settings


def optimised(keys: Sequence[PassKey], link: PassLink, together: bool = False) -> tuple[PassKey, ...]:
    """The same passes, each by its own settings, or together by those that give most in all.

    Of a pass that gives key, slots are those to use. What gains nothing stays as it is: a pass, or all together.
    The choice leans on the prediction: made from what was counted, no bound holds.
    Passes that make one block have one setting, and all their slots are used. Raises ParameterError where a
    protocol has nothing to choose.
    """
    if link.protocol.name != DECOY_BB84 or link.protocol.passes_a_block > 1:
        return _by_knobs(keys, link, together)
    lit = [i for i, each in enumerate(keys) if each.slots.unix_s.size]
    found = list(keys)
    for some in [lit] if together and lit else [[i] for i in lit]:
        own = Settings(link.source.intensities, link.source.p_intensities, link.protocol.p_key_basis)
        receiver = Receiver(link.source.clock_hz, link.channel.misalignment, link.detector, link.security)
        best = optimum([_course(keys[i], link) for i in some], receiver, own)
        chosen = link_with(link, best.settings)
        turned = [
            _over(keys[i], keys[i].slots.part(used), chosen, best.settings)
            for i, used in zip(some, best.windows, strict=True)
        ]
        if sum(each.secret_bits for each in turned) > sum(keys[i].secret_bits for i in some):
            for i, each in zip(some, turned, strict=True):
                found[i] = each
    return tuple(found)


def _by_knobs(keys: Sequence[PassKey], link: PassLink, together: bool) -> tuple[PassKey, ...]:
    """The same of any protocol, by what its family lets one choose."""
    n = link.protocol.passes_a_block
    knobs_of(link)
    lit = {i: each.slots for i, each in enumerate(keys) if each.slots.unix_s.size}
    if n == 1:
        lit = {i: part for i, slots in lit.items() if (part := quiet(slots, link)) is not None}
    blocks = [[i] for i in lit] if n == 1 else [block for block in blocks_of(keys, n) if all(i in lit for i in block)]
    found = list(keys)
    for lot in [blocks] if together and blocks else [[block] for block in blocks]:
        of = [i for block in lot for i in block]
        slots = {i: lit[i] for i in of}
        values = best_knobs([[slots[i] for i in block] for block in lot], link)
        if n == 1:
            chosen = turned(link, values)
            slots = {i: keys[i].slots.part(best_window(keys[i].slots, chosen)) for i in of}
            values = best_knobs([[slots[i] for i in block] for block in lot], link, near=values)
        chosen = turned(link, values)
        tried = [_over(keys[i], slots[i], chosen, values) for i in of]
        made = in_blocks(tried, chosen)
        if sum(each.secret_bits for each in made) > sum(keys[i].secret_bits for i in of):
            for i, each in zip(of, made, strict=True):
                found[i] = each if together or n > 1 or each.secret_bits > 0 else keys[i]
    return tuple(found)


def _over(key: PassKey, slots: Slots, link: PassLink, settings: Settings | Mapping[str, float]) -> PassKey:
    """The pass by a link with these settings, over these of its slots."""
    counts = counts_over(slots, link)
    length = block_key(link, counts)
    none = key.reason or "the settings of all passes give this one none"
    reason = "" if length.length_bits > 0 else none
    return replace(key, slots=slots, counts=counts, key=length, reason=reason, settings=settings)


def link_with(link: PassLink, settings: Settings | Mapping[str, float]) -> PassLink:
    """The link with other settings, each a number."""
    if isinstance(settings, Mapping):
        return turned(link, settings)
    mu, p = by_intensity(settings.intensities), by_intensity(settings.p_intensities)
    source = replace(link.source, intensities=tuple(mu.tolist()), p_intensities=tuple(p.tolist()))
    p_key_basis = float(np.asarray(settings.p_key_basis))
    return replace(link, source=source, protocol=replace(link.protocol, p_key_basis=p_key_basis))


def named(settings: Settings | Mapping[str, float]) -> dict[str, float]:
    """Settings that are numbers, by the names that an optimised link has them by."""
    if isinstance(settings, Mapping):
        return dict(settings)
    mu, p = by_intensity(settings.intensities), by_intensity(settings.p_intensities)
    names = {f"intensity {i + 1}": float(each) for i, each in enumerate(mu)}
    names |= {f"p of intensity {i + 1}": float(each) for i, each in enumerate(p)}
    return names | {"p of the key basis": float(np.asarray(settings.p_key_basis))}


def _course(key: PassKey, link: PassLink) -> Course:
    slots = key.slots
    gates = np.full(slots.unix_s.shape, link.source.clock_hz * slots.duration_s)
    return Course(gates, slots.transmittance, slots.background)
